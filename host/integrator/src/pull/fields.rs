//! `[[fields]]`: Halo's field mappings, those for all types and those of single types.

use super::Source;
use super::draft::{Draft, quote};
use super::names::{Named, Names};
use super::note::{Note, plain, shown};
use crate::halo::HaloRecord;
use integrator_core::model::property::{self, Property};
use integrator_core::model::{Member, value::fold};

/// Halo's names on screen of members that no asset field stands for.
const SCREEN_NAMES: [(&str, &str); 4] = [
    ("asset tag", "inventory_number"),
    ("asset number", "inventory_number"),
    ("tag", "inventory_number"),
    ("asset tag number", "inventory_number"),
];

/// All mappings of the connection, those left out included.
pub(super) struct Mappings {
    list: Vec<Mapping>,
    /// Whether Halo showed a list of them at all.
    shown: bool,
}

/// One mapping as the settings will have it.
pub(super) struct Mapping {
    /// The Intune property; none for a fixed text.
    pub(super) property: Option<&'static Property>,
    /// What is filled.
    pub(super) target: Target,
    /// Types as TOML; empty: all.
    types: Vec<String>,
    lines: Vec<(String, Note)>,
    /// Why it is left out, if it is.
    problem: Option<Problem>,
}

enum Problem {
    Question(String),
    Contradiction(String),
}

/// What a mapping fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An asset field: number and name.
    Field(i64, String),
    /// A member of Halo's own.
    Member(String),
    /// Anything else, by name: a custom field.
    Named(String),
    /// What it is cannot be told.
    Unknown(String),
}

impl Target {
    /// As `to` names it, in TOML.
    fn toml(&self, names: &Names) -> String {
        match self {
            Self::Field(id, name) => {
                let twins = names.catalogue.fields.iter().filter(|field| fold(&field.name) == fold(name));
                // A field that shares its name is named by its number; one named like a member, too.
                if twins.count() > 1 || Member::system_name(name).is_some() {
                    id.to_string()
                } else {
                    quote(name)
                }
            }
            Self::Member(name) | Self::Named(name) | Self::Unknown(name) => quote(name),
        }
    }

    /// For messages.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Field(_, name) | Self::Member(name) | Self::Named(name) | Self::Unknown(name) => name,
        }
    }
}

impl Mappings {
    /// The mapping for all types that fills this, among those that are taken.
    pub(super) fn filling(&self, target: &Target) -> Option<&Mapping> {
        let all = self.list.iter().filter(|mapping| mapping.problem.is_none() && mapping.types.is_empty());
        all.into_iter().find(|mapping| mapping.target == *target)
    }

    /// How many mappings for all types use a property.
    pub(super) fn uses(&self, property: &Property) -> usize {
        let taken = |mapping: &&Mapping| mapping.problem.is_none() && mapping.types.is_empty();
        self.list.iter().filter(taken).filter(|mapping| mapping.property == Some(property)).count()
    }
}

pub(super) fn read(source: &Source<'_>) -> Mappings {
    let general = source.record.list("mappings_device");
    let types = source.record.list("mappings_xtype").unwrap_or_default();
    let mut mappings = Mappings { list: Vec::new(), shown: general.is_some() };
    for row in general.unwrap_or_default() {
        let of_value = row.text("xmvalue").filter(|value| value != "0" && value != "-1");
        let mut mapping = read_one(source, &row, "mappings_device");
        if let Some(value) = of_value {
            match types.iter().find(|kind| kind.text("value").as_deref() == Some(value.as_str())) {
                Some(kind) => mapping.limit(source, kind),
                None => mapping.ask(format!(
                    "this mapping belongs to the type mapping of value {} (xmvalue), which is not there",
                    shown(&value)
                )),
            }
        }
        mappings.take(mapping);
    }
    for kind in &types {
        for row in kind.list("field_mappings").unwrap_or_default() {
            let mut mapping = read_one(source, &row, "mappings_xtype.field_mappings");
            mapping.limit(source, kind);
            mappings.take(mapping);
        }
    }
    mappings
}

pub(super) fn translate(mappings: &Mappings, draft: &mut Draft) {
    if mappings.list.is_empty() {
        draft.blank();
        let why = if mappings.shown { "is empty" } else { "is not shown" };
        draft.question(format!("[[fields]]: mappings_device {why}: without a mapping no field is filled"));
    }
    for mapping in &mappings.list {
        match &mapping.problem {
            None => draft.block("[[fields]]", mapping.lines.clone()),
            Some(problem) => {
                draft.blank();
                match problem {
                    Problem::Question(text) => draft.question(text.clone()),
                    Problem::Contradiction(text) => draft.contradiction(text.clone()),
                }
                draft.left_out_block("[[fields]]", mapping.lines.clone());
            }
        }
    }
}

impl Mappings {
    fn take(&mut self, mut mapping: Mapping) {
        // Rules of one type may each carry the same mapping.
        let same = |known: &&Mapping| {
            known.target == mapping.target
                && known.property == mapping.property
                && known.types == mapping.types
        };
        if !mapping.types.is_empty() && self.list.iter().any(|known| same(&known)) {
            return;
        }
        let overlaps = |known: &&Mapping| {
            known.problem.is_none()
                && known.target == mapping.target
                && (known.types.is_empty()
                    || mapping.types.is_empty()
                    || known.types.iter().any(|name| mapping.types.contains(name)))
        };
        if mapping.problem.is_none()
            && let Some(earlier) = self.list.iter().find(overlaps)
        {
            mapping.problem = Some(Problem::Contradiction(format!(
                "two mappings fill the field \"{}\": {} and {}; the first counts here",
                plain(mapping.target.name()),
                earlier.origin(),
                mapping.origin()
            )));
        }
        self.list.push(mapping);
    }
}

impl Mapping {
    /// The source and the types, for messages.
    fn origin(&self) -> String {
        let of = self.property.map_or("a fixed text", |property| property.name);
        if self.types.is_empty() {
            of.to_owned()
        } else {
            format!("{of} (only for {})", self.types.join(", "))
        }
    }

    fn ask(&mut self, question: String) {
        self.problem.get_or_insert(Problem::Question(question));
    }

    fn contradict(&mut self, text: String) {
        self.problem.get_or_insert(Problem::Contradiction(text));
    }

    /// Limits it to the type of a type mapping.
    fn limit(&mut self, source: &Source<'_>, kind: &HaloRecord) {
        let id = kind.number("typeid").unwrap_or_default();
        match source.names.asset_type(id, kind.text("name").as_deref()) {
            Named::As(name) => {
                let note = Note::of("mappings_xtype.typeid", id);
                self.lines.push((format!("types = [{name}]"), note));
                self.types = vec![name];
            }
            Named::Gone => self.contradict(format!(
                "this mapping is for assets of type {id} \"{}\" only, which Halo does not have (mappings_xtype)",
                plain(&kind.text("name").unwrap_or_default())
            )),
        }
    }
}

fn read_one(source: &Source<'_>, row: &HaloRecord, list: &str) -> Mapping {
    let (target, target_problem) = target(source.names, row);
    let mut mapping = Mapping { property: None, target, types: Vec::new(), lines: Vec::new(), problem: None };
    from(row, list, &mut mapping);
    let mut note = Note::of("name", row.text("name").unwrap_or_default())
        .and("fiid", row.number("fiid").map_or("none".to_owned(), |id| id.to_string()));
    if let Some(flag) = row.flag("isassetfield") {
        note = note.and("isassetfield", flag);
    }
    if matches!((&mapping.target, row.text("name")), (Target::Member(member), Some(name)) if *member != name)
    {
        note = note.assumed("what Halo calls so on its screens");
    }
    mapping.lines.push((format!("to = {}", mapping.target.toml(source.names)), note));
    if let Some(problem) = target_problem {
        match problem {
            Problem::Question(text) => mapping.ask(text),
            Problem::Contradiction(text) => mapping.contradict(text),
        }
    }
    let (new_only, fixed) = (row.flag("newrecords"), row.flag("dontupdate"));
    let write = if new_only == Some(true) || fixed == Some(true) { "create-only" } else { "always" };
    let flags = Note::of("newrecords", new_only.unwrap_or(false)).and("dontupdate", fixed.unwrap_or(false));
    mapping.lines.push((format!("write = {}", quote(write)), flags));
    let clears = row.flag("populateemptyvalue").unwrap_or(false);
    let empty = if clears { "clear" } else { "keep" };
    mapping.lines.push((format!("empty = {}", quote(empty)), Note::of("populateemptyvalue", clears)));
    if row.flag("istablefield") == Some(true)
        || row.list("child_mappings").is_some_and(|rows| !rows.is_empty())
    {
        mapping.ask("a mapping into a table of fields has no counterpart here".to_owned());
    }
    mapping
}

/// The source of a mapping's value.
fn from(row: &HaloRecord, list: &str, mapping: &mut Mapping) {
    let written = row.text("thirdpartyname");
    let fixed = row.text("value_set");
    match (written, fixed) {
        (Some(written), _) => {
            let note = Note::of(&format!("{list}.thirdpartyname"), &written);
            match property_named(&written) {
                Some(found) => {
                    let note =
                        if found.name == written { note } else { note.assumed("Graph's spelling of it") };
                    mapping.lines.push((format!("from = {}", quote(found.name)), note));
                    mapping.property = Some(found);
                }
                None => {
                    mapping.lines.push((format!("from = {}", quote(&written)), note));
                    mapping.ask(format!(
                        "the field \"{}\" is filled from {} in Halo, which is no property of Graph's managedDevice: \
                         which one is it?",
                        plain(mapping.target.name()),
                        shown(&written)
                    ));
                }
            }
        }
        (None, Some(text)) => {
            let note = Note::of(&format!("{list}.value_set"), &text)
                .assumed("a text that is the same for every device");
            mapping.lines.push((format!("value = {}", quote(&text)), note));
        }
        (None, None) => {
            mapping.lines.push(("from = \"…\"".to_owned(), Note::absent(&format!("{list}.thirdpartyname"))));
            let name = plain(mapping.target.name());
            mapping.ask(format!(
                "the mapping of the field \"{name}\" names no Intune property (thirdpartyname)"
            ));
        }
    }
}

/// A property by Graph's name, or by a name that differs in case, spaces and punctuation only.
pub(super) fn property_named(written: &str) -> Option<&'static Property> {
    let bare = |text: &str| -> String {
        text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    property::find(written)
        .or_else(|| property::PROPERTIES.iter().find(|known| bare(known.name) == bare(written)))
}

/// What a mapping fills, and what is wrong with that.
fn target(names: &Names, row: &HaloRecord) -> (Target, Option<Problem>) {
    let id = row.number("fiid").filter(|id| *id > 0);
    let name = row.text("name");
    let is_custom =
        row.flag("isassetfield") == Some(false) || name.as_deref().is_some_and(|name| name.starts_with("CF"));
    match (id, name) {
        (Some(id), name) if !is_custom => {
            if let Some(known) = names.field(id) {
                return (Target::Field(id, known.to_owned()), None);
            }
            let name = name.unwrap_or_else(|| id.to_string());
            if !names.knows("asset fields") {
                return (Target::Field(id, name), None);
            }
            let elsewhere = names.field_named(&name);
            let hint = elsewhere.map(|other| format!("; field {other} has that name")).unwrap_or_default();
            let problem = format!(
                "a mapping fills the field \"{}\" (fiid = {id}), which Halo does not have{hint}",
                plain(&name)
            );
            (Target::Unknown(name), Some(Problem::Contradiction(problem)))
        }
        (_, Some(name)) => by_name(names, name, is_custom),
        (id, None) => {
            let number = id.or(row.number("fiid")).unwrap_or_default();
            let problem = format!("a mapping fills fiid = {number}, which has no name and no known meaning");
            (Target::Unknown(number.to_string()), Some(Problem::Question(problem)))
        }
    }
}

fn by_name(names: &Names, name: String, is_custom: bool) -> (Target, Option<Problem>) {
    if let Some(member) = member_named(&name) {
        return (Target::Member(member), None);
    }
    if name.starts_with("CF") {
        return (Target::Named(name), None);
    }
    match names.field_named(&name) {
        Some(id) if !is_custom => (Target::Field(id, names.field(id).unwrap_or(&name).to_owned()), None),
        _ => {
            let problem = format!(
                "a mapping fills \"{}\", which is no asset field: is it a custom field (CF…), or one of Halo's own \
                 members such as inventory_number?",
                plain(&name)
            );
            (Target::Unknown(name), Some(Problem::Question(problem)))
        }
    }
}

/// A member of Halo's own by its name, or by what screens call it.
fn member_named(name: &str) -> Option<String> {
    let lower = name.trim().to_lowercase();
    let on_screen = SCREEN_NAMES.iter().find(|(shown, _)| *shown == lower).map(|(_, member)| *member);
    let found = Member::system_name(name).or_else(|| Member::system_name(&lower.replace(' ', "_")));
    found.or(on_screen).map(str::to_owned)
}

/// What a name or a number that rules and matching use stands for.
pub(super) fn target_named(names: &Names, written: &str) -> Option<Target> {
    let number = written.rsplit('_').next().and_then(|end| end.parse::<i64>().ok());
    let is_number = written.parse::<i64>().is_ok() || written.to_lowercase().starts_with("infofield_");
    if let Some(id) = number.filter(|_| is_number) {
        return names.field(id).map(|name| Target::Field(id, name.to_owned()));
    }
    if let Some(id) = names.field_named(written) {
        return Some(Target::Field(id, names.field(id).unwrap_or(written).to_owned()));
    }
    member_named(written)
        .map(Target::Member)
        .or_else(|| written.starts_with("CF").then(|| Target::Named(written.to_owned())))
}
