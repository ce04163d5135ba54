//! What can be seen of a running application: the spans of its calls, its metrics, and a ping.
//!
//! `cargo run -p user-streams --example watch`

use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tokio::time::timeout;
use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt::format::FmtSpan, prelude::*};
use user_streams::{Settings, Streams};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Spans go to the terminal when they close. An application may have them at
    // OpenTelemetry's collector instead, by `tracing-opentelemetry`.
    let spans = tracing_subscriber::fmt::layer().with_span_events(FmtSpan::CLOSE);
    let of_calls = Targets::new().with_target("user_streams", Level::DEBUG);
    tracing_subscriber::registry().with(spans.with_filter(of_calls)).init();

    // Metrics stay in memory. An application takes a recorder that exports them, such as
    // `metrics-exporter-prometheus`. It comes before the first connection.
    let recorder = DebuggingRecorder::new();
    let metrics = recorder.snapshotter();
    recorder.install()?;

    let streams = Streams::connect(Settings::new("single-table+sqlite::memory:")).await?;
    streams.migrate().await?;
    streams.add_stream_item(42, "You have a new message!").await?;
    streams.add_stream_item([42, 43, 44], "Maintenance on Sunday").await?;
    streams.get_stream_items(42).slice(..20).await?;

    // What a readiness check does.
    let ping = timeout(Duration::from_secs(3), streams.ping()).await;
    println!("\nready: {}\n", matches!(ping, Ok(Ok(()))));

    // An error, and a call whose caller gives up.
    let refused = streams.get_stream_items("ann").count().await;
    println!("refused: {:?}", refused.map_err(|error| error.kind()));
    let items = streams.get_stream_items(42);
    tokio::select! {
        biased;
        _ = items.count() => {}
        () = std::future::ready(()) => println!("dropped"),
    }

    print(&metrics);
    streams.close().await?;
    Ok(())
}

fn print(metrics: &Snapshotter) {
    println!();
    for (key, unit, _, value) in metrics.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        let labels: Vec<_> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(count) => count.to_string(),
            DebugValue::Gauge(level) => level.to_string(),
            DebugValue::Histogram(values) => {
                let sum: f64 = values.iter().map(|value| value.into_inner()).sum();
                let unit = unit.map_or("", |unit| unit.as_str());
                format!("{} calls, {sum:.6} {unit} in all", values.len())
            }
        };
        println!("{}{{{}}}: {value}", key.name(), labels.join(", "));
    }
}
