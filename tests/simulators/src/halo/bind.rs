//! Reading the rows of a POST as their declared types, as the framework does before Halo's rules see them.
//!
//! Names are read in any case, unknown ones ignored, `null` means "not sent", numbers may be texts. Anything else
//! of a wrong type refuses the whole request and names the row. Knows no state.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// One row of `POST /Asset`.
#[derive(Debug, Default)]
pub(super) struct AssetInput {
    pub(super) id: u64,
    pub(super) inventory_number: Option<String>,
    pub(super) client_id: Option<u64>,
    pub(super) client_name: Option<String>,
    pub(super) site_id: Option<u64>,
    pub(super) site_name: Option<String>,
    pub(super) type_id: Option<u64>,
    pub(super) type_name: Option<String>,
    pub(super) status_id: Option<i64>,
    pub(super) inactive: Option<bool>,
    pub(super) intune_id: Option<String>,
    pub(super) azure_tenant_id: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) keeps_type: bool,
    pub(super) fields: Vec<FieldInput>,
    pub(super) custom_fields: Vec<FieldInput>,
    pub(super) users: Option<Vec<u64>>,
    pub(super) extras: Vec<(&'static str, Value)>,
}

/// One entry of `fields`.
#[derive(Debug)]
pub(super) struct FieldInput {
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
    pub(super) value: String,
}

/// Other members that are numbers.
const INTEGERS: [&str; 22] = [
    "criticality",
    "sla_id",
    "priority_id",
    "business_owner_id",
    "business_owner_cab_id",
    "technical_owner_id",
    "technical_owner_cab_id",
    "supplier_id",
    "manufacturer_id",
    "contract_id",
    "intune_connectionid",
    "intune_default_site",
    "third_party_id",
    "module_id",
    "import_details_id",
    "item_id",
    "parent_id",
    "supplier_contract_id",
    "supplier_sla_id",
    "supplier_priority_id",
    "_importtypeid",
    "_match_integration_id",
];
const BOOLEANS: [&str; 13] = [
    "_dontaddnewfields",
    "_isimport",
    "_isupdateimport",
    "_dont_fire_automations",
    "_donotvalidate",
    "_validateonly",
    "_isbatch",
    "_isclone",
    "isassetdetails",
    "copy_unmapped_info_fields",
    "do_not_apply_template_in_the_api",
    "deactivate_child_devices",
    "auto_tag",
];
const TEXTS: [&str; 15] = [
    "azure_userid",
    "azure_userprincipalname",
    "ethernetMacAddress",
    "physicalMemoryInBytes",
    "user_email",
    "phone_number",
    "matching_field",
    "matching_value",
    "_importtype",
    "_importthirdpartyid",
    "warranty_note",
    "intune_operating_system",
    "_match_thirdparty_id",
    "_match_integration_name",
    "supplier_reference",
];
const DATES: [&str; 8] = [
    "warranty_start",
    "warranty_end",
    "labour_warranty_start",
    "labour_warranty_end",
    "supplier_purchasedate",
    "supplier_expirydate",
    "commissiondate",
    "intune_lastsyncdatetime",
];
const ARRAYS: [&str; 3] = ["software", "licences", "add_licences"];

/// Reads the body as an array of objects.
pub(super) fn rows(body: &[u8]) -> Result<Vec<Map<String, Value>>, Refusal> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let at = format!("line {}, position {}", error.line(), error.column());
        Refusal::binding("", format!("Unexpected character encountered while parsing value. Path '', {at}."))
    })?;
    let Value::Array(rows) = value else {
        let kind = if value.is_object() { "object (e.g. {\"name\":\"value\"})" } else { "value" };
        return Err(Refusal::binding(
            "",
            format!(
                "Cannot deserialize the current JSON {kind} into type 'System.Collections.Generic.List`1' because the \
                 type requires a JSON array (e.g. [1,2,3]) to deserialize correctly. Path '', line 1, position 1."
            ),
        ));
    };
    let mut objects = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        match row {
            Value::Object(row) => objects.push(row),
            other => {
                let path = format!("[{index}]");
                let message = format!(
                    "Error converting value {other} to an object. Path '{path}', line 1, position 1."
                );
                return Err(Refusal::binding(path, message));
            }
        }
    }
    Ok(objects)
}

/// Reads all rows of `POST /Asset`; every row that cannot be read is named.
pub(super) fn assets(rows: Vec<Map<String, Value>>) -> Result<Vec<AssetInput>, Refusal> {
    let mut inputs = Vec::with_capacity(rows.len());
    let mut errors = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        match asset(&format!("[{index}]"), row) {
            Ok(input) => inputs.push(input),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(inputs) } else { Err(Refusal::Binding(errors)) }
}

/// Path and message of a value that could not be read.
pub(super) type Unreadable = (String, String);

pub(super) fn asset(row_path: &str, row: Map<String, Value>) -> Result<AssetInput, Unreadable> {
    let mut input = AssetInput::default();
    for (name, value) in row {
        if value.is_null() {
            continue;
        }
        let path = || format!("{row_path}.{name}");
        match name.to_ascii_lowercase().as_str() {
            "id" => input.id = id(&path(), &value)?,
            "inventory_number" => input.inventory_number = Some(text(&path(), &value)?),
            "client_id" => input.client_id = Some(id(&path(), &value)?),
            "client_name" => input.client_name = Some(text(&path(), &value)?),
            "site_id" => input.site_id = Some(id(&path(), &value)?),
            "site_name" => input.site_name = Some(text(&path(), &value)?),
            "assettype_id" => input.type_id = Some(id(&path(), &value)?),
            "assettype_name" => input.type_name = Some(text(&path(), &value)?),
            "status_id" => input.status_id = Some(integer(&path(), &value)?),
            "inactive" => input.inactive = Some(flag(&path(), &value)?),
            "intune_id" => input.intune_id = Some(text(&path(), &value)?),
            "azuretenantid" => input.azure_tenant_id = Some(text(&path(), &value)?),
            "notes" => input.notes = Some(text(&path(), &value)?),
            "_dontupdatetype" => input.keeps_type = flag(&path(), &value)?,
            "fields" => input.fields = fields(&path(), value)?,
            "customfields" => input.custom_fields = fields(&path(), value)?,
            "users" => input.users = Some(users(&path(), value)?),
            other => extra(&mut input, other, &path(), value)?,
        }
    }
    Ok(input)
}

fn extra(input: &mut AssetInput, name: &str, path: &str, value: Value) -> Result<(), Unreadable> {
    let find = |names: &[&'static str]| names.iter().copied().find(|known| known.eq_ignore_ascii_case(name));
    let (known, value) = if let Some(known) = find(&INTEGERS) {
        (known, Value::from(integer(path, &value)?))
    } else if let Some(known) = find(&BOOLEANS) {
        (known, Value::from(flag(path, &value)?))
    } else if let Some(known) = find(&TEXTS) {
        (known, Value::from(text(path, &value)?))
    } else if let Some(known) = find(&DATES) {
        (known, Value::from(date(path, &value)?))
    } else if let Some(known) = find(&ARRAYS) {
        (known, Value::from(array(path, value)?))
    } else {
        return Ok(());
    };
    // Members with an underscore steer the request and are not part of the entity.
    if !known.starts_with('_') && known != "isassetdetails" && known != "auto_tag" {
        input.extras.push((known, value));
    }
    Ok(())
}

fn fields(path: &str, value: Value) -> Result<Vec<FieldInput>, Unreadable> {
    let mut inputs = Vec::new();
    for (index, entry) in array(path, value)?.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Value::Object(entry) = entry else { return Err(not_an_object(&path, &entry)) };
        let mut input = FieldInput { id: None, name: None, value: String::new() };
        let mut sent = false;
        for (name, value) in &entry {
            let path = format!("{path}.{name}");
            match name.to_ascii_lowercase().as_str() {
                "id" if !value.is_null() => input.id = Some(id(&path, value)?).filter(|id| *id > 0),
                "name" if !value.is_null() => input.name = Some(text(&path, value)?),
                "value" => {
                    sent = true;
                    // The declared type is "any": numbers and booleans are kept as their text.
                    input.value = if value.is_null() { String::new() } else { text(&path, value)? };
                }
                _ => {}
            }
        }
        if sent {
            inputs.push(input);
        }
    }
    Ok(inputs)
}

fn users(path: &str, value: Value) -> Result<Vec<u64>, Unreadable> {
    let mut ids = Vec::new();
    for (index, entry) in array(path, value)?.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Value::Object(entry) = entry else { return Err(not_an_object(&path, &entry)) };
        let sent = entry.iter().find(|(name, value)| name.eq_ignore_ascii_case("id") && !value.is_null());
        ids.push(sent.map_or(Ok(0), |(_, value)| id(&format!("{path}.id"), value))?);
    }
    Ok(ids)
}

fn not_an_object(path: &str, value: &Value) -> Unreadable {
    (
        path.to_owned(),
        format!("Error converting value {value} to an object. Path '{path}', line 1, position 1."),
    )
}

pub(super) fn array(path: &str, value: Value) -> Result<Vec<Value>, Unreadable> {
    match value {
        Value::Array(entries) => Ok(entries),
        _ => Err((
            path.to_owned(),
            format!(
                "Cannot deserialize the value because the type requires a JSON array. Path '{path}', line 1, position 1."
            ),
        )),
    }
}

/// A whole number, or a text that is one. A number with a decimal point is refused, even `12.0`.
pub(super) fn integer(path: &str, value: &Value) -> Result<i64, Unreadable> {
    let unreadable = |what: &str| {
        (path.to_owned(), format!("{what}: {}. Path '{path}', line 1, position 139.", plain(value)))
    };
    let number = match value {
        Value::Number(number) => {
            number.as_i64().ok_or_else(|| unreadable("Input string is not a valid integer"))?
        }
        Value::String(text) => {
            text.trim().parse().map_err(|_| unreadable("Could not convert string to integer"))?
        }
        _ => return Err(unreadable("Unexpected character encountered while parsing value")),
    };
    i32::try_from(number)
        .map(i64::from)
        .map_err(|_| unreadable("JSON integer is too large or small for an Int32"))
}

/// An id: zero and negative numbers name nothing.
pub(super) fn id(path: &str, value: &Value) -> Result<u64, Unreadable> {
    integer(path, value).map(|number| u64::try_from(number).unwrap_or(0))
}

pub(super) fn flag(path: &str, value: &Value) -> Result<bool, Unreadable> {
    match value {
        Value::Bool(flag) => return Ok(*flag),
        Value::Number(number) if number.is_i64() => return Ok(number.as_i64() != Some(0)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => return Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => return Ok(false),
        _ => {}
    }
    let message = format!(
        "Could not convert string to boolean: {}. Path '{path}', line 1, position 139.",
        plain(value)
    );
    Err((path.to_owned(), message))
}

pub(super) fn text(path: &str, value: &Value) -> Result<String, Unreadable> {
    match value {
        Value::Array(_) | Value::Object(_) => Err((
            path.to_owned(),
            format!(
                "Unexpected character encountered while parsing value. Path '{path}', line 1, position 139."
            ),
        )),
        other => Ok(plain(other)),
    }
}

/// A moment, shown as Halo shows it; an empty text is none.
pub(super) fn date(path: &str, value: &Value) -> Result<String, Unreadable> {
    let text = text(path, value)?;
    if text.is_empty() {
        return Ok(text);
    }
    shown_date(&text).ok_or_else(|| {
        let message =
            format!("Could not convert string to DateTime: {text}. Path '{path}', line 1, position 139.");
        (path.to_owned(), message)
    })
}

/// A date or a moment in the form that Halo shows: without a zone.
pub(super) fn shown_date(text: &str) -> Option<String> {
    let moment = chrono::DateTime::parse_from_rfc3339(text).map(|moment| moment.naive_utc());
    let moment = moment.or_else(|_| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f"));
    let moment = moment.or_else(|_| {
        chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|date| date.and_time(chrono::NaiveTime::MIN))
    });
    moment.ok().map(|moment| moment.format("%Y-%m-%dT%H:%M:%S").to_string())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An id whose declared type is a number with decimals, as some ids of configuration and customers are.
pub(super) fn id_or_float(path: &str, value: &Value) -> Result<u64, Unreadable> {
    match value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=2_147_483_647.0).contains(number)) {
        // The range was just checked.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(number) => Ok(number as u64),
        None => id(path, value),
    }
}
