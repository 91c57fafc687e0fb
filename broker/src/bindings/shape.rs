//! What a JSON value may be. One description checks values and writes the JSON schema (draft-04, the version that
//! every platform supports), so that the marketplace promises exactly what is accepted.

use serde_json::{Map, Value, json};

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A text of this many characters, all of a form.
    Text {
        min: usize,
        max: usize,
        form: &'static Form,
    },
    /// A number within bounds, which belong to it.
    Number { min: f64, max: f64 },
    /// An object with these members and no other.
    Object(&'static [Member]),
    /// An object whose members all have names of this form and values of this shape.
    Map {
        max: usize,
        names: &'static Form,
        values: &'static Shape,
    },
    /// An object whose member `type` says which others it has.
    Tagged(&'static [(&'static str, &'static [Member])]),
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) is_required: bool,
    /// For people who read the schema.
    pub(crate) description: &'static str,
    pub(crate) shape: Shape,
}

/// The form of a text, twice: for the schema, and for the check.
#[derive(Debug)]
pub(crate) struct Form {
    /// A regular expression without lookahead and without a part that some engines read differently.
    pub(crate) pattern: &'static str,
    pub(crate) fits: fn(&str) -> bool,
    /// What is expected, to follow `must be`.
    pub(crate) expected: &'static str,
}

const TAG: &str = "type";

impl Shape {
    /// Says what is wrong with a value. `at` names it; the value itself is not shown, since it may be a secret.
    pub(crate) fn check(&self, at: &str, value: &Value) -> Result<(), String> {
        match self {
            Self::Text { min, max, form } => {
                let Value::String(text) = value else {
                    return Err(wrong_type(at, "a text", value));
                };
                check_text(at, text, *min, *max, form)
            }
            Self::Number { min, max } => match value.as_f64() {
                Some(number) if (*min..=*max).contains(&number) => Ok(()),
                Some(_) => Err(format!("{at} must be between {min} and {max}")),
                None => Err(wrong_type(at, "a number", value)),
            },
            Self::Object(members) => check_members(at, members, None, object(at, value)?),
            Self::Map { max, names, values } => {
                let object = object(at, value)?;
                if object.len() > *max {
                    return Err(format!("{at} must have at most {max} members"));
                }
                for (name, value) in object {
                    if !(names.fits)(name) {
                        let name = shown(name);
                        return Err(format!(
                            "{at}: the name `{name}` must be {}",
                            names.expected
                        ));
                    }
                    values.check(&format!("{at}.{name}"), value)?;
                }
                Ok(())
            }
            Self::Tagged(variants) => {
                let object = object(at, value)?;
                let tag = object.get(TAG).and_then(Value::as_str);
                let Some((_, members)) = variants.iter().find(|(name, _)| Some(*name) == tag)
                else {
                    let names: Vec<_> = variants
                        .iter()
                        .map(|(name, _)| format!("`{name}`"))
                        .collect();
                    return Err(format!("{at}.{TAG} must be {}", names.join(" or ")));
                };
                check_members(at, members, Some(TAG), object)
            }
        }
    }

    /// The JSON schema of this shape, without `$schema`.
    pub(crate) fn schema(&self) -> Value {
        match self {
            Self::Text { min, max, form } => {
                json!({"type": "string", "minLength": min, "maxLength": max, "pattern": form.pattern})
            }
            Self::Number { min, max } => json!({"type": "number", "minimum": min, "maximum": max}),
            Self::Object(members) => object_schema(members, None),
            Self::Map { max, names, values } => json!({
                "type": "object",
                "maxProperties": max,
                "patternProperties": {names.pattern: values.schema()},
                "additionalProperties": false,
            }),
            Self::Tagged(variants) => {
                let variants: Vec<_> = variants
                    .iter()
                    .map(|(name, members)| object_schema(members, Some(name)))
                    .collect();
                json!({"oneOf": variants})
            }
        }
    }
}

fn object<'v>(at: &str, value: &'v Value) -> Result<&'v Map<String, Value>, String> {
    value
        .as_object()
        .ok_or_else(|| wrong_type(at, "an object", value))
}

fn wrong_type(at: &str, expected: &str, value: &Value) -> String {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("{at} must be {expected}, not {found}")
}

fn check_text(at: &str, text: &str, min: usize, max: usize, form: &Form) -> Result<(), String> {
    let length = text.chars().count();
    if length < min {
        return Err(format!("{at} must not be empty"));
    }
    if length > max {
        return Err(format!("{at} must have at most {max} characters"));
    }
    if !(form.fits)(text) {
        return Err(format!("{at} must be {}", form.expected));
    }
    Ok(())
}

fn check_members(
    at: &str,
    members: &[Member],
    tag: Option<&str>,
    object: &Map<String, Value>,
) -> Result<(), String> {
    let inner = |name: &str| {
        if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}.{name}")
        }
    };
    for (name, value) in object {
        if Some(name.as_str()) == tag {
            continue;
        }
        match members.iter().find(|member| member.name == name) {
            Some(member) => member.shape.check(&inner(member.name), value)?,
            None => return Err(unknown(&inner(name), members)),
        }
    }
    for member in members {
        if member.is_required && !object.contains_key(member.name) {
            return Err(format!("{} is required", inner(member.name)));
        }
    }
    Ok(())
}

fn unknown(name: &str, members: &[Member]) -> String {
    let name = shown(name);
    if members.is_empty() {
        return format!("`{name}` is not known: there are no parameters here");
    }
    let known: Vec<_> = members
        .iter()
        .map(|member| format!("`{}`", member.name))
        .collect();
    format!("`{name}` is not known; there are {}", known.join(", "))
}

/// A name that somebody sent, as far as it is needed to recognise it.
fn shown(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_debug).collect()
}

fn object_schema(members: &[Member], tag: Option<&str>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    if let Some(tag) = tag {
        properties.insert(TAG.into(), json!({"type": "string", "enum": [tag]}));
        required.push(TAG);
    }
    for member in members {
        let mut schema = member.shape.schema();
        schema["description"] = member.description.into();
        properties.insert(member.name.into(), schema);
        if member.is_required {
            required.push(member.name);
        }
    }
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    // draft-04 knows no empty `required`.
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
