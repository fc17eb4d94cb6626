//! Writes the type of a component's function as one line, without the names that types have: two functions with the
//! same line can be called the same way. Knows no contract and runs nothing.

use std::collections::BTreeMap;
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentValType,
    ResourceId,
};
use wasmparser::types::TypesRef;

/// How deep types may nest before the rest is left out. The contract needs six.
const DEPTH: usize = 16;

/// The resources of imported interfaces, by the names that they have there.
pub(super) struct Resources(BTreeMap<ResourceId, String>);

impl Resources {
    /// Those of the named imports.
    pub(super) fn of<'a>(types: TypesRef<'_>, imports: impl Iterator<Item = &'a str>) -> Self {
        let mut names = BTreeMap::new();
        for import in imports {
            let Some(item) = types.component_item_for_import(import) else { continue };
            let ComponentEntityType::Instance(instance) = item.ty else { continue };
            let Some(instance) = types.get(instance) else { continue };
            for (name, item) in &instance.exports {
                if let ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(resource), .. } =
                    item.ty
                {
                    names.insert(resource.resource(), name.clone());
                }
            }
        }
        Self(names)
    }
}

/// The line of a function.
pub(super) fn function(types: TypesRef<'_>, resources: &Resources, function: ComponentFuncTypeId) -> String {
    let Some(function) = types.get(function) else { return "an unknown type".to_owned() };
    let writer = Writer { types, resources };
    let parameters: Vec<_> = function
        .params
        .iter()
        .map(|(name, value)| format!("{name}: {}", writer.value(value, DEPTH)))
        .collect();
    let asynchronous = if function.async_ { "async " } else { "" };
    let result =
        function.result.map(|result| format!(" -> {}", writer.value(&result, DEPTH))).unwrap_or_default();
    format!("{asynchronous}func({}){result}", parameters.join(", "))
}

struct Writer<'a> {
    types: TypesRef<'a>,
    resources: &'a Resources,
}

impl Writer<'_> {
    fn value(&self, value: &ComponentValType, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
        match value {
            ComponentValType::Primitive(primitive) => primitive.to_string(),
            ComponentValType::Type(id) => match self.types.get(*id) {
                Some(defined) => self.defined(defined, depth),
                None => "?".to_owned(),
            },
        }
    }

    fn optional(&self, value: Option<&ComponentValType>, depth: usize) -> String {
        value.map_or_else(|| "_".to_owned(), |value| self.value(value, depth))
    }

    fn defined(&self, defined: &ComponentDefinedType, depth: usize) -> String {
        let joined = |parts: Vec<String>| parts.join(", ");
        match defined {
            ComponentDefinedType::Primitive(primitive) => primitive.to_string(),
            ComponentDefinedType::Record(record) => {
                let fields =
                    record.fields.iter().map(|(name, value)| format!("{name}: {}", self.value(value, depth)));
                format!("record{{{}}}", joined(fields.collect()))
            }
            ComponentDefinedType::Variant(variant) => {
                let cases = variant.cases.iter().map(|(name, case)| match &case.ty {
                    Some(value) => format!("{name}({})", self.value(value, depth)),
                    None => name.to_string(),
                });
                format!("variant{{{}}}", joined(cases.collect()))
            }
            ComponentDefinedType::List { element, .. } => format!("list<{}>", self.value(element, depth)),
            ComponentDefinedType::Tuple(tuple) => {
                format!(
                    "tuple<{}>",
                    joined(tuple.types.iter().map(|value| self.value(value, depth)).collect())
                )
            }
            ComponentDefinedType::Flags(names) => {
                format!("flags{{{}}}", joined(names.iter().map(ToString::to_string).collect()))
            }
            ComponentDefinedType::Enum(names) => {
                format!("enum{{{}}}", joined(names.iter().map(ToString::to_string).collect()))
            }
            ComponentDefinedType::Option { ty, .. } => format!("option<{}>", self.value(ty, depth)),
            ComponentDefinedType::Result { ok, err, .. } => {
                format!(
                    "result<{}, {}>",
                    self.optional(ok.as_ref(), depth),
                    self.optional(err.as_ref(), depth)
                )
            }
            ComponentDefinedType::Own(resource) => self.resource(resource.resource()),
            ComponentDefinedType::Borrow(resource) => {
                format!("borrow<{}>", self.resource(resource.resource()))
            }
            ComponentDefinedType::Map { .. }
            | ComponentDefinedType::FixedLengthList { .. }
            | ComponentDefinedType::Future { .. }
            | ComponentDefinedType::Stream { .. } => "a type that the contract lacks".to_owned(),
        }
    }

    fn resource(&self, resource: ResourceId) -> String {
        self.resources.0.get(&resource).cloned().unwrap_or_else(|| "a resource of its own".to_owned())
    }
}
