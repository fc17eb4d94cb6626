//! What Halo's numbers are called: types, groups, statuses, fields, clients, sites.

use integrator_core::model::value::fold;
use integrator_core::model::{Catalogue, Site};

/// Halo's names, as far as they could be read.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The names.
    pub catalogue: Catalogue,
    /// The lists that Halo would not show: what they lack is not known to be missing.
    pub unread: Vec<&'static str>,
}

/// What became of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Halo's name for it, quoted; or the number, where several share the name.
    As(String),
    /// Halo does not have it.
    Gone,
}

impl Names {
    /// A type as settings name it. `row` is the name that the connection itself shows.
    pub(super) fn asset_type(&self, id: i64, row: Option<&str>) -> Named {
        let all = self.catalogue.types.iter().map(|known| (known.id.0, known.name.as_str()));
        self.named("asset types", all, id, row)
    }

    /// A group as settings name it.
    pub(super) fn group(&self, id: i64, row: Option<&str>) -> Named {
        let all = self.catalogue.groups.iter().map(|known| (known.id.0, known.name.as_str()));
        self.named("asset groups", all, id, row)
    }

    /// A status as settings name it.
    pub(super) fn status(&self, id: i64, row: Option<&str>) -> Named {
        let all = self.catalogue.statuses.iter().map(|known| (known.id.0, known.name.as_str()));
        self.named("asset statuses", all, id, row)
    }

    /// A client as settings name it.
    pub(super) fn client(&self, id: i64, row: Option<&str>) -> Named {
        let all = self.catalogue.clients.iter().map(|known| (known.id.0, known.name.as_str()));
        self.named("clients", all, id, row)
    }

    /// An asset field's name.
    pub(super) fn field(&self, id: i64) -> Option<&str> {
        self.catalogue.fields.iter().find(|field| field.id.0 == id).map(|field| field.name.as_str())
    }

    /// The number of an asset field of this name.
    pub(super) fn field_named(&self, name: &str) -> Option<i64> {
        self.catalogue.fields.iter().find(|field| fold(&field.name) == fold(name)).map(|field| field.id.0)
    }

    /// A site, if it was read.
    pub(super) fn site(&self, id: i64) -> Option<&Site> {
        self.catalogue.sites.iter().find(|site| site.id.0 == id)
    }

    /// Whether a list could be read, so that what it lacks is not there.
    pub(super) fn knows(&self, list: &str) -> bool {
        !self.unread.contains(&list)
    }

    fn named<'a>(
        &self,
        list: &str,
        all: impl Iterator<Item = (i64, &'a str)>,
        id: i64,
        row: Option<&str>,
    ) -> Named {
        let all: Vec<(i64, &str)> = all.collect();
        let found = all.iter().find(|(known, _)| *known == id).map(|(_, name)| *name);
        let Some(name) = found.or(row.filter(|_| !self.knows(list))) else {
            return if self.knows(list) { Named::Gone } else { Named::As(id.to_string()) };
        };
        if all.iter().filter(|(_, other)| fold(other) == fold(name)).count() > 1 {
            return Named::As(id.to_string());
        }
        Named::As(super::draft::quote(name))
    }
}
