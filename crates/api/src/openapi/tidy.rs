//! What is put right in the document after the handlers have said their part.

use utoipa::Modify;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// Parameters are texts of a URL: one that may be absent is never null.
pub(super) struct Parameters;

impl Modify for Parameters {
    fn modify(&self, api: &mut OpenApi) {
        for item in api.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                for parameter in operation.parameters.iter_mut().flatten() {
                    if let RefOr::T(parameter) = parameter {
                        parameter.schema.iter_mut().for_each(never_null);
                    }
                }
            }
        }
    }
}

fn never_null(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|kind| *kind != Type::Null);
                if let [only] = types.as_slice() {
                    object.schema_type = SchemaType::Type(only.clone());
                }
            }
        }
        RefOr::T(Schema::OneOf(one_of)) => {
            if let Some(named) = one_of.items.iter().find(|item| matches!(item, RefOr::Ref(_))) {
                *schema = named.clone();
            }
        }
        _ => {}
    }
}

/// What is said of a field that may be null is said of the field, not of one of its values.
pub(super) struct Fields;

impl Modify for Fields {
    fn modify(&self, api: &mut OpenApi) {
        let components = api.components.get_or_insert_default();
        components.schemas.values_mut().for_each(lift_descriptions);
    }
}

fn lift_descriptions(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            object.properties.values_mut().for_each(lift_descriptions);
        }
        RefOr::T(Schema::AllOf(all_of)) => all_of.items.iter_mut().for_each(lift_descriptions),
        RefOr::T(Schema::OneOf(one_of)) if one_of.description.is_none() => {
            let named = one_of.items.iter_mut().find_map(|item| match item {
                RefOr::Ref(named) => Some(named),
                RefOr::T(_) => None,
            });
            if let Some(named) = named.filter(|named| !named.description.is_empty()) {
                one_of.description = Some(std::mem::take(&mut named.description));
            }
        }
        _ => {}
    }
}
