//! One operation, said in few words: what all have in common is added here.

use axum::http::StatusCode;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Required, Response, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::errors;
use crate::access::Class;

/// Plain text.
pub(crate) const TEXT: &[&str] = &["text/plain; charset=utf-8"];
/// The formats of metrics, of which `Accept` chooses one.
pub(crate) const PAGES: &[&str] = &[
    "text/plain; version=0.0.4; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
];

/// A schema with its name.
type Named = (String, RefOr<Schema>);

/// A GET of one path, whose parameters in braces are in its own words.
pub(crate) struct Operation {
    pub(crate) path: String,
    id: String,
    summary: String,
    tag: &'static str,
    description: Option<String>,
    parameters: Vec<Parameter>,
    answers: Vec<(StatusCode, Response)>,
    errors: Vec<StatusCode>,
    /// The schemas that the answers name.
    pub(super) schemas: Vec<Named>,
}

impl Operation {
    pub(crate) fn get(path: impl Into<String>, id: impl Into<String>, summary: &str) -> Self {
        Self {
            path: path.into(),
            id: id.into(),
            summary: summary.to_owned(),
            tag: "apps",
            description: None,
            parameters: Vec::new(),
            answers: Vec::new(),
            errors: Vec::new(),
            schemas: Vec::new(),
        }
    }

    /// The group that it is shown in: `apps`, `prometheus` or `promfetch`.
    pub(crate) fn tag(self, tag: &'static str) -> Self {
        Self { tag, ..self }
    }

    pub(crate) fn description(self, description: impl Into<String>) -> Self {
        Self {
            description: Some(description.into()),
            ..self
        }
    }

    /// The parameters of the query that this type stands for.
    pub(crate) fn query<T: IntoParams>(mut self) -> Self {
        self.parameters
            .extend(T::into_params(|| Some(ParameterIn::Query)));
        self
    }

    /// A parameter of the path.
    pub(crate) fn segment(self, name: &str, description: &str, example: &str) -> Self {
        let text = ObjectBuilder::from(Object::with_type(Type::String)).min_length(Some(1));
        self.parameter(name, ParameterIn::Path, description, text, example)
    }

    /// A header of the request that changes the answer.
    pub(crate) fn header(self, name: &str, description: &str, kind: Type, example: &str) -> Self {
        let schema = Object::with_type(kind);
        self.parameter(name, ParameterIn::Header, description, schema, example)
    }

    fn parameter(
        mut self,
        name: &str,
        place: ParameterIn,
        description: &str,
        schema: impl Into<RefOr<Schema>>,
        example: &str,
    ) -> Self {
        let is_required = if place == ParameterIn::Path {
            Required::True
        } else {
            Required::False
        };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(is_required)
            .description(Some(description))
            .schema(Some(schema))
            .example(Some(example.into()));
        self.parameters.push(parameter.build());
        self
    }

    /// 200 with JSON of this type.
    pub(crate) fn json<T: ToSchema>(self, description: &str) -> Self {
        self.json_with::<T>(StatusCode::OK, description)
    }

    /// The same with another status.
    pub(crate) fn json_with<T: ToSchema>(mut self, status: StatusCode, description: &str) -> Self {
        T::schemas(&mut self.schemas);
        let schema = if is_inline::<T>() {
            T::schema()
        } else {
            self.schemas.push((T::name().into_owned(), T::schema()));
            Ref::from_schema_name(T::name()).into()
        };
        self.answer(status, description, &["application/json"], Some(schema))
    }

    /// 200 with some JSON object.
    pub(crate) fn json_object(self, description: &str) -> Self {
        let schema = Object::with_type(Type::Object).into();
        self.answer(
            StatusCode::OK,
            description,
            &["application/json"],
            Some(schema),
        )
    }

    /// 200 with text in one of these types of content.
    pub(crate) fn text(self, description: &str, kinds: &[&str]) -> Self {
        let schema = |kind: &&str| -> RefOr<Schema> {
            if kind.contains("protobuf") {
                // Bytes: no schema fits.
                Object::with_type(SchemaType::AnyValue).into()
            } else {
                Object::with_type(Type::String).into()
            }
        };
        let mut response = ResponseBuilder::new().description(description);
        for kind in kinds {
            let content = ContentBuilder::new().schema(Some(schema(kind)));
            response = response.content(*kind, content.build());
        }
        self.push(StatusCode::OK, response.build())
    }

    /// The 200 has this header.
    pub(crate) fn with(mut self, name: &str, description: &str, kind: Type) -> Self {
        if let Some((_, response)) = self.answers.first_mut() {
            let header = HeaderBuilder::new()
                .schema(Some(Object::with_type(kind)))
                .description(Some(description));
            response
                .headers
                .insert(name.to_owned(), RefOr::T(header.build()));
        }
        self
    }

    /// The 200 has a tag, and who names it gets 304.
    pub(crate) fn kept(self) -> Self {
        let known = "The `ETag` of an answer that is there already: 304 if it is still the same";
        self.with("ETag", "Changes with the content", Type::String)
            .header("If-None-Match", known, Type::String, "W/\"0123\"")
            .answer(StatusCode::NOT_MODIFIED, "It is still the same", &[], None)
    }

    fn answer(
        self,
        status: StatusCode,
        description: &str,
        kinds: &[&str],
        schema: Option<RefOr<Schema>>,
    ) -> Self {
        let mut response = ResponseBuilder::new().description(description);
        for kind in kinds {
            let content = ContentBuilder::new().schema(schema.clone());
            response = response.content(*kind, content.build());
        }
        self.push(status, response.build())
    }

    fn push(mut self, status: StatusCode, response: Response) -> Self {
        self.answers.push((status, response));
        self
    }

    /// What can go wrong besides what goes wrong everywhere.
    pub(crate) fn errors(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.errors.extend(statuses);
        self
    }

    /// The operation of a route of this class.
    pub(super) fn build(self, class: Class) -> utoipa::openapi::path::Operation {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .summary(Some(self.summary))
            .description(self.description)
            .tag(self.tag)
            .parameters((!self.parameters.is_empty()).then_some(self.parameters));
        for (status, response) in self.answers {
            operation = operation.response(status.as_str(), response);
        }
        for status in errors::of_class(class).iter().chain(&self.errors) {
            operation = operation.response(status.as_str(), errors::reference(*status));
        }
        operation.build()
    }
}

/// Lists, maps and single values have no name of their own.
fn is_inline<T: PartialSchema>() -> bool {
    !matches!(T::schema(), RefOr::T(Schema::Object(object)) if !object.properties.is_empty() || object.enum_values.is_some())
        && !matches!(
            T::schema(),
            RefOr::T(Schema::AllOf(_) | Schema::OneOf(_) | Schema::AnyOf(_))
        )
}
