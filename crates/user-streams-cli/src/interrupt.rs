//! What ends the program from outside.

use std::future::pending;

/// Waits for SIGINT or SIGTERM, and gives its number.
pub(crate) async fn signal() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let interrupt = signal(SignalKind::interrupt());
        let terminate = signal(SignalKind::terminate());
        if let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) {
            return tokio::select! {
                _ = interrupt.recv() => 2,
                _ = terminate.recv() => 15,
            };
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_ok() {
        return 2;
    }
    pending().await
}
