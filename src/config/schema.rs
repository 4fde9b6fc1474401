//! The JSON Schema of `plimsoll.yml`, from the very types that read it.

use super::model::Suite;
use serde_json::Value;

/// JSON Schema (draft 2020-12) of a suite, for editors and `plimsoll schema`. It knows shapes and
/// words; what depends on several keys at once is left to the program.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Suite).to_value();
    without_null(&mut schema);
    schema
}

/// An optional key may be left out, but not be there without a value.
fn without_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            if let Some(place) = schema.get_mut("type") {
                *place = only;
            }
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
    }
    match schema {
        Value::Object(map) => map.values_mut().for_each(without_null),
        Value::Array(list) => list.iter_mut().for_each(without_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::json_schema;
    use std::path::Path;

    #[test]
    fn the_committed_schema_is_the_one_of_this_program() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/plimsoll.schema.json");
        let fresh = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        if committed != fresh {
            // The fresh one is left for the next commit; CI fails on it.
            std::fs::write(&path, &fresh).unwrap();
        }
        assert!(committed == fresh, "{} was out of date; look at its diff", path.display());
    }

    #[test]
    fn a_key_without_a_value_is_refused() {
        let schema = json_schema();
        assert!(schema["properties"]["target"].is_object());
        assert!(!schema.to_string().contains("\"null\""));
    }
}
