"""Decides the site by the device's category, from a table in the settings; else by its user."""

from wit_world.imports import log, settings
from wit_world.imports.types import (
    Description,
    Setting,
    SiteAnswer,
    SiteChoice_Default,
    SiteChoice_Named,
    SiteChoice_Numbered,
)


class WitWorld:
    def describe(self):
        return Description(
            summary="The site by the device's category, else that of its user",
            properties=["deviceCategoryDisplayName"],
            settings=[Setting("sites", "a table: category = site", True)],
        )

    # A value is Value_Text("…") and so on; nothing is None. `raise Err("…")` holds the device.
    def site(self, device, user, default):
        category = device.get("deviceCategoryDisplayName")
        sites = dict(settings.table("sites"))
        if category is not None and category.value in sites:
            log.write(log.Level.DEBUG, f"{category.value} stands in the table")
            site = sites[category.value].value
            return SiteAnswer(SiteChoice_Named(site), f"the category {category.value}")
        home = user.get("siteId") if user is not None else None
        if home is not None:
            return SiteAnswer(SiteChoice_Numbered(home.value), "the site of its user")
        return SiteAnswer(SiteChoice_Default(), None)
