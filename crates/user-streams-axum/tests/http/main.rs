//! The router over HTTP, on the memory backend.

mod app;
mod changes;
mod cross_site;
mod events;
mod json;
mod openapi;
mod page;
mod problems;
mod schemathesis;
mod syndication;
mod xss;
