//! What the router answers is what its description in OpenAPI says, as a tool of others finds:
//! [Schemathesis](https://schemathesis.readthedocs.io) makes requests of the description, valid and
//! not, and judges every answer by it.

use std::{env, path::PathBuf, time::Duration};

use tokio::{net::TcpListener, process::Command};
use user_streams_axum::Options;

use crate::app::{App, BASE, ME, filled};

/// A program of `xtask/requirements.txt`.
fn program(name: &str) -> Command {
    let directory = env::var_os("API_TOOLS").expect("API_TOOLS names the directory of the tools");
    Command::new(PathBuf::from(directory).join(name))
}

#[tokio::test]
#[ignore = "needs openapi-spec-validator, by API_TOOLS; `cargo xtask test` has it"]
async fn the_description_is_a_document_of_openapi() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/openapi.json");
    let status = program("openapi-spec-validator").arg(document).status().await;
    assert!(status.expect("it runs").success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs schemathesis, by API_TOOLS; `cargo xtask test` has it"]
async fn schemathesis_finds_no_answer_that_is_not_described() {
    let (streams, _) = filled(30).await;
    // The tool reads every answer to its end, so a stream of events has one.
    let options = Options::new().with_event_lifetime(Duration::from_millis(20));
    let app = App::with(streams, options).0;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = format!("http://{}{BASE}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let directory = env!("CARGO_TARGET_TMPDIR");
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/schemathesis.toml");
    let status = program("schemathesis")
        .current_dir(directory)
        .args([
            "--config-file",
            config,
            "--no-color",
            "run",
            &format!("{site}/openapi.json"),
            "--url",
            &site,
        ])
        .args(["--header", &format!("x-user: {ME}")])
        .args(["--max-examples", "40", "--seed", "1"])
        // Nested, this is the path without a slash, which no path of a description can be.
        .args(["--exclude-path", "/"])
        .args(["--generation-database", "none"])
        .status();
    let status = status.await.expect("it runs");
    assert!(status.success(), "{status}");
}
