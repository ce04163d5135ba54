//! The description in OpenAPI has every route and no other.

use axum::{body::Body, http::Request};
use serde_json::Value;

use crate::app::{App, BASE, ME, filled};

/// The routes, as `src/router.rs` has them.
fn routes() -> Vec<(String, String)> {
    let source = include_str!("../../src/router.rs");
    let routes = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\""));
    let routes = routes.filter_map(|route| {
        let (path, handler) = route.split_once("\", ")?;
        Some((path.to_owned(), handler.split_once('(')?.0.to_owned()))
    });
    // The last one is what is not there.
    routes.filter(|(_, method)| method != "any").collect()
}

#[tokio::test]
async fn every_route_is_described_and_every_description_has_a_route() {
    let (streams, items) = filled(2).await;
    let app = App::new(streams);
    let document = app.get("/openapi.json").await.json();
    let mut described: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(|method| (path.clone(), method.clone()))
        })
        .collect();
    let mut routes = routes();
    described.sort_unstable();
    routes.sort_unstable();
    assert!(!routes.is_empty());
    // Requests of other sites are refused by this: `request/cross_site.rs`.
    assert!(routes.iter().all(|(_, method)| ["get", "post"].contains(&method.as_str())));
    assert_eq!(described, routes);

    for (path, method) in described {
        if path == "/events" {
            continue; // without end: events.rs
        }
        let cursor = items[0].cursor().to_string();
        let at = path.replace("{stream_cursor}", &cursor);
        let at = at.strip_suffix('/').unwrap_or(&at);
        let request = Request::builder().method(method.to_uppercase().as_str());
        let request = request.uri(format!("{BASE}{at}")).header("x-user", ME);
        let request = request.header("content-type", "application/json");
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), 200, "{method} {path}: {}", answer.body);
        let response = &document["paths"][&path][&method]["responses"]["200"];
        let kinds = response["content"].as_object().unwrap();
        let kind = answer.header("content-type").split(';').next().unwrap();
        assert!(kinds.contains_key(kind), "{method} {path}: {kind}");
        if kind == "application/json" && path != "/openapi.json" {
            let schema = resolved(&document, &kinds[kind]["schema"]);
            check(&document, schema, &answer.json());
        }
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// An object has what is required of it and nothing that is not described, all the way down.
fn check(document: &Value, schema: &Value, value: &Value) {
    let schema = resolved(document, schema);
    if let Some(values) = value.as_array() {
        values.iter().for_each(|value| check(document, &schema["items"], value));
    }
    let Some(object) = value.as_object() else { return };
    for field in schema["required"].as_array().into_iter().flatten() {
        assert!(object.contains_key(field.as_str().unwrap()), "{field} is missing in {value}");
    }
    for (field, value) in object {
        let described = &schema["properties"][field];
        assert!(described.is_object(), "{field} is not described");
        check(document, described, value);
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let document = App::new(filled(0).await.0).get("/openapi.json").await.json();
    fn walk(document: &Value, value: &Value) {
        if let Some(reference) = value["$ref"].as_str() {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|value| walk(document, value)),
            Value::Array(values) => values.iter().for_each(|value| walk(document, value)),
            _ => {}
        }
    }
    walk(&document, &document);
}
