//! Decides the site by the device's category, from a table in the settings; else by its user.

wit_bindgen::generate!({ path: "wit", world: "site-policy" });

use halo::integrator::log::{Level, write};
use halo::integrator::settings;
use halo::integrator::types::{Setting, SiteChoice, Value};

struct Plugin;

impl Guest for Plugin {
    fn describe() -> Description {
        Description {
            summary: "The site by the device's category, else that of its user".to_owned(),
            properties: vec!["deviceCategoryDisplayName".to_owned()],
            settings: vec![Setting {
                name: "sites".to_owned(),
                summary: "a table: category = site".to_owned(),
                required: true,
            }],
        }
    }

    fn site(device: &Device, user: Option<&User>, _default: Option<Site>) -> Result<SiteAnswer, String> {
        let table = settings::table("sites");
        if let Some(Value::Text(category)) = device.get("deviceCategoryDisplayName")
            && let Some((_, Value::Text(site))) = table.into_iter().find(|(name, _)| *name == category)
        {
            write(Level::Debug, &format!("{category} stands in the table"));
            let reason = Some(format!("the category {category}"));
            return Ok(SiteAnswer { site: SiteChoice::Named(site), reason });
        }
        if let Some(Value::Whole(site)) = user.and_then(|user| user.get("siteId")) {
            let reason = Some("the site of its user".to_owned());
            return Ok(SiteAnswer { site: SiteChoice::Numbered(site), reason });
        }
        Ok(SiteAnswer { site: SiteChoice::Default, reason: None })
    }
}

export!(Plugin);
