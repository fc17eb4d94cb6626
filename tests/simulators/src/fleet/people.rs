//! Users: the same list for Entra and for whoever seeds a Halo server with matching users.

use serde::{Deserialize, Serialize};

use super::random::Choices;

/// One user of the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetUser {
    /// The Entra object id, a GUID.
    pub id: String,
    /// The sign-in name.
    pub user_principal_name: String,
    /// The e-mail address; its case can differ from the sign-in name's.
    pub mail: String,
    /// The name as people read it, in any script.
    pub display_name: String,
    /// The account's name in the on-premises directory, at most 20 characters.
    #[serde(rename = "onPremisesSamAccountName")]
    pub sam_account_name: String,
    /// The number of the employee.
    pub employee_id: String,
}

/// Given name and family name, each as people write it and in the letters of an address.
type Name = (&'static str, &'static str);

const GIVEN: &[Name] = &[
    ("Adele", "adele"),
    ("Megan", "megan"),
    ("Lynne", "lynne"),
    ("Diego", "diego"),
    ("Pradeep", "pradeep"),
    ("Isaiah", "isaiah"),
    ("Nestor", "nestor"),
    ("Grady", "grady"),
    ("Zoë", "zoe"),
    ("Łukasz", "lukasz"),
    ("José", "jose"),
    ("Siân", "sian"),
    ("Jürgen", "juergen"),
    ("François", "francois"),
    ("太郎", "taro"),
    ("Иван", "ivan"),
    ("علي", "ali"),
    ("Ngọc", "ngoc"),
    ("Maeve", "maeve"),
    ("Oluwaseun", "oluwaseun"),
];

const FAMILY: &[Name] = &[
    ("Vance", "vance"),
    ("Bowen", "bowen"),
    ("O'Brien", "obrien"),
    ("Robbins", "robbins"),
    ("Siciliani", "siciliani"),
    ("Gupta", "gupta"),
    ("Langer", "langer"),
    ("Wilke", "wilke"),
    ("Müller", "mueller"),
    ("D’Angelo", "dangelo"),
    ("Nowak", "nowak"),
    ("山田", "yamada"),
    ("Петров", "petrov"),
    ("Nguyễn", "nguyen"),
    ("van der Berg", "vanderberg"),
    ("Smith-Jones", "smith-jones"),
    ("Æbelø", "aebeloe"),
    ("García Márquez", "garcia"),
    ("Şahin", "sahin"),
    ("Okonkwo", "okonkwo"),
    ("Fitzgerald", "fitzgerald"),
    ("Archambault", "archambault"),
];

const GIVEN_NAME: u64 = 1;
const FAMILY_NAME: u64 = 2;
const OBJECT_ID: u64 = 3;
const MAIL_CASE: u64 = 4;

fn names(choices: Choices) -> (Name, Name) {
    (choices.pick(GIVEN_NAME, GIVEN), choices.pick(FAMILY_NAME, FAMILY))
}

/// The user with this index.
pub(super) fn user(seed: u64, index: u64, domain: &str) -> FleetUser {
    let choices = Choices::new(seed, 2, index);
    let ((given, given_letters), (family, family_letters)) = names(choices);
    let local = format!("{given_letters}.{family_letters}{index}");
    let initial = given_letters.get(..1).unwrap_or("x");
    let mut account = format!("{initial}{index}{family_letters}");
    account.truncate(20);
    let mail = match choices.below(MAIL_CASE, 10) {
        0 => format!("{}@{domain}", local.to_uppercase()),
        _ => format!("{local}@{domain}"),
    };
    FleetUser {
        id: choices.guid(OBJECT_ID).to_string(),
        user_principal_name: format!("{local}@{domain}"),
        mail,
        display_name: format!("{given} {family}"),
        sam_account_name: account,
        employee_id: format!("E{index:07}"),
    }
}

/// The given name of the user with this index, for names such as "Zoë's iPhone".
pub(super) fn given_name(seed: u64, index: u64) -> &'static str {
    names(Choices::new(seed, 2, index)).0.0
}
