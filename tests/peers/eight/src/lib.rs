//! The rule that benchmarks ask, as a component: it reads eight properties and names a type. The rule itself is in
//! [`rule`], which the benchmarks also compile into themselves.

mod rule;

wit_bindgen::generate!({ path: "../../../wit/v1", world: "asset-type-rule" });

use halo::integrator::types::Value;

struct Eight;

export!(Eight);

impl Guest for Eight {
    fn describe() -> Description {
        Description {
            summary: "Reads eight properties".into(),
            properties: rule::PROPERTIES.map(String::from).into(),
            settings: Vec::new(),
        }
    }

    fn asset_type(device: &Device) -> Result<TypeAnswer, String> {
        let mut texts: [String; 7] = Default::default();
        for (text, property) in texts.iter_mut().zip(rule::PROPERTIES) {
            if let Some(Value::Text(found)) = device.get(property) {
                *text = found;
            }
        }
        let storage = match device.get(rule::PROPERTIES[7]) {
            Some(Value::Whole(bytes)) => bytes,
            _ => 0,
        };
        // What only the trap's cost is measured with.
        assert!(texts[4] != "trap", "asked to");
        let named = rule::decide(&texts.each_ref().map(String::as_str), storage);
        Ok(TypeAnswer { asset_type: named.map(String::from), reason: None })
    }
}
