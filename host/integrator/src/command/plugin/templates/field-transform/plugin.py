"""Writes texts in upper case and without blanks around them, and takes placeholders for no value."""

from componentize_py_types import Err
from wit_world.imports import log, settings
from wit_world.imports.types import (
    Change_Clear,
    Change_Leave,
    Change_Set,
    Description,
    FieldAnswer,
    Setting,
    Value_Text,
    Value_Texts,
)


class WitWorld:
    def describe(self):
        return Description(
            summary="Upper case without blanks around it; placeholders are no value",
            properties=["manufacturer"],
            settings=[Setting("placeholders", "texts that stand for no value, in upper case", True)],
        )

    # A value is Value_Text("…") and so on; nothing is None. `raise Err("…")` holds the device.
    def transform(self, device, field, value):
        if not isinstance(value, Value_Text):
            return FieldAnswer(Change_Leave(), None)
        placeholders = settings.get("placeholders")
        if not isinstance(placeholders, Value_Texts):
            raise Err("the setting `placeholders` must be a list of texts")
        text = value.value.strip().upper()
        if text in placeholders.value:
            maker = device.get("manufacturer")
            name = maker.value if maker else "an unknown manufacturer"
            log.write(log.Level.DEBUG, f"{field} holds a placeholder")
            return FieldAnswer(Change_Clear(), f"{text} is a placeholder of {name}")
        return FieldAnswer(Change_Set(Value_Text(text)), None)
