//! The query of a request, read as the framework reads it: names in any case, values by their declared types.
//!
//! Unknown names are ignored, as the real API ignores them. Knows no entities.

use super::clock::read_date;
use super::refusal::Refusal;

/// Names that choose the page or the shape of the rows but not which rows there are.
const NOT_PART_OF_A_WALK: [&str; 6] =
    ["page_no", "page_size", "pageinate", "count", "includeassetfields", "includecolumns"];

/// A parsed query.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

/// The asked page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// 1 is the first.
    pub(super) number: usize,
    /// As asked; the cap is not applied.
    pub(super) asked_size: usize,
    /// Rows on a page, the cap applied.
    pub(super) size: usize,
}

/// Which of active and inactive entities are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activity {
    pub(super) active: bool,
    pub(super) inactive: bool,
}

impl Activity {
    pub(super) fn wants(self, inactive: bool) -> bool {
        if inactive { self.inactive } else { self.active }
    }
}

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
            .collect();
        Self { pairs }
    }

    /// A value that is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.text(name).map(|text| text.trim().parse().map_err(|_| invalid(name, text))).transpose()
    }

    /// An id; zero and negative ones name nothing that exists.
    pub(super) fn id(&self, name: &str) -> Result<Option<u64>, Refusal> {
        Ok(self.integer(name)?.map(|id| u64::try_from(id).unwrap_or(0)))
    }

    pub(super) fn ids(&self, name: &str) -> Result<Option<Vec<i64>>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let ids = text.split(',').map(|part| part.trim().parse().map_err(|_| invalid(name, text)));
        ids.collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.text(name)
            .map(|text| match text.trim().to_ascii_lowercase().as_str() {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(invalid(name, text)),
            })
            .transpose()
    }

    pub(super) fn date(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.text(name).map(|text| read_date(text).ok_or_else(|| invalid(name, text))).transpose()
    }

    /// `pageinate=false` changes nothing: current versions ignore it.
    pub(super) fn page(&self, cap: usize) -> Result<Page, Refusal> {
        const DEFAULT_SIZE: usize = 50;
        self.flag("pageinate")?;
        let number = self.positive("page_no")?.unwrap_or(1);
        let size = self.positive("page_size")?;
        let count = self.positive("count")?;
        let asked_size = size.or(count).unwrap_or(DEFAULT_SIZE);
        Ok(Page { number, asked_size, size: asked_size.min(cap.max(1)) })
    }

    fn positive(&self, name: &str) -> Result<Option<usize>, Refusal> {
        let Some(value) = self.integer(name)? else { return Ok(None) };
        match usize::try_from(value) {
            Ok(value) if value > 0 => Ok(Some(value)),
            _ => Err(invalid(name, &value.to_string())),
        }
    }

    /// Active ones only, unless asked otherwise.
    pub(super) fn activity(&self) -> Result<Activity, Refusal> {
        if let Some(text) = self.text("activeinactive") {
            let parts: Vec<bool> =
                text.split(',').map(|part| part.trim().eq_ignore_ascii_case("true")).collect();
            return match parts[..] {
                [active, inactive] => Ok(Activity { active, inactive }),
                [active] => Ok(Activity { active, inactive: false }),
                _ => Err(invalid("activeinactive", text)),
            };
        }
        Ok(Activity {
            active: self.flag("includeactive")?.unwrap_or(true),
            inactive: self.flag("includeinactive")?.unwrap_or(false),
        })
    }

    pub(super) fn descending(&self) -> Result<bool, Refusal> {
        Ok(self.flag("orderdesc")?.unwrap_or(false))
    }

    /// The same for all pages of one walk.
    pub(super) fn walk_key(&self, entity: &str) -> String {
        let mut pairs: Vec<&(String, String)> =
            self.pairs.iter().filter(|(name, _)| !NOT_PART_OF_A_WALK.contains(&name.as_str())).collect();
        pairs.sort();
        let mut key = entity.to_owned();
        for (name, value) in pairs {
            key.push('\u{1}');
            key.push_str(name);
            key.push('\u{2}');
            key.push_str(value);
        }
        key
    }
}

/// The framework's words for a query value of the wrong type.
pub(super) fn invalid(name: &str, text: &str) -> Refusal {
    Refusal::binding(name, format!("The value '{text}' is not valid."))
}
