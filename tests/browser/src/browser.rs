//! A browser of one's own.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{By, Capabilities, WebDriver};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a page is like that is not as it should be.
const STATE: &str = "[document.URL, document.readyState, document.visibilityState, \
                     document.body?.innerText, \
                     performance.getEntries().map(({ name, startTime, responseEnd }) => \
                     [name, startTime, responseEnd])]";

/// How a browser looks at things.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// In CSS pixels.
    pub width: u32,
    /// As the reader's system prefers it.
    pub is_dark: bool,
    /// Whether scripts run.
    pub has_script: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 1100, is_dark: false, has_script: true }
    }
}

/// How long a browser may take to start, on a busy machine that starts several.
const START: Duration = Duration::from_secs(45);

/// How often it is tried. The driver takes any port for IPv4, and ends if another program has the
/// same for IPv6; and now and then Chromium starts and never answers its driver.
const STARTS: usize = 4;

/// The driver, and its port.
async fn driver() -> Result<(Child, String)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("chromedriver cannot be started: install Debian's chromium-driver")?;
    let output = driver.stdout.take().context("chromedriver has no output")?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        // "ChromeDriver was started successfully on port 12345."
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            // It stays open, for what the driver says later.
            driver.stdout = Some(lines.into_inner().into_inner());
            return Ok((driver, port.trim_end_matches('.').to_owned()));
        }
    }
    bail!("chromedriver has ended")
}

/// A headless Chromium and its driver, which end when it is dropped.
pub struct Browser {
    session: WebDriver,
    _driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    ///
    /// # Errors
    /// If `chromedriver` is not there, or does not start.
    pub async fn start(look: Look) -> Result<Self> {
        let mut last = None;
        for _ in 0..STARTS {
            match timeout(START, Self::start_once(look)).await.context("it hangs").flatten() {
                Ok(browser) => return Ok(browser),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("it was not tried")?.context(format!("no browser in {STARTS} starts")))
    }

    async fn start_once(look: Look) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let (driver, port) = driver().await?;
        let profile_path = profile.path().to_str().context("the profile's path is no UTF-8")?;
        let capabilities = capabilities(look, profile_path);
        let session = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await?;
        session.set_window_rect(0, 0, look.width, 900).await?;
        Ok(Self { session, _driver: driver, _profile: profile })
    }

    /// Opens a page.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn open(&self, url: &str) -> Result<()> {
        Ok(self.session.goto(url).await?)
    }

    /// The value of an expression of JavaScript.
    ///
    /// # Errors
    /// Those of the driver, such as when a dialog is open.
    pub async fn value(&self, expression: &str) -> Result<Value> {
        self.run(&format!("return {expression}")).await
    }

    /// Runs a script, and gives what it returns.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn run(&self, script: &str) -> Result<Value> {
        Ok(self.session.execute(script, Vec::<Value>::new()).await?.json().clone())
    }

    /// Runs a script that calls its last argument when it is done, and gives what it says then.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn run_async(&self, script: &str) -> Result<Value> {
        Ok(self.session.execute_async(script, Vec::<Value>::new()).await?.json().clone())
    }

    /// Waits until an expression is true.
    ///
    /// # Errors
    /// If it does not become so, with what the page is like.
    pub async fn until(&self, expression: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            // A page tells no one what has come of it: it is asked.
            let value = self.value(&format!("!!({expression})")).await;
            if value.as_ref().is_ok_and(|value| *value == json!(true)) {
                return Ok(());
            }
            if Instant::now() > end {
                let page = self.value(STATE).await;
                bail!("{value:?} after {} s: {expression}\n{page:#?}", PATIENCE.as_secs());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks on the first element that a selector finds.
    ///
    /// # Errors
    /// If there is none, or something covers it.
    pub async fn click(&self, selector: &str) -> Result<()> {
        Ok(self.session.find(By::Css(selector)).await?.click().await?)
    }

    /// Presses a key where the focus is.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn press(&self, key: &str) -> Result<()> {
        Ok(self.session.active_element().await?.send_keys(key).await?)
    }

    /// Whether a dialog is open, as `alert` opens one.
    pub async fn has_dialog(&self) -> bool {
        self.session.get_alert_text().await.is_ok()
    }

    /// What is seen, as PNG.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        Ok(self.session.screenshot_as_png().await?)
    }

    /// The text of every element that a selector finds, as it is seen: of one that only begins to
    /// appear it is empty.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn texts(&self, selector: &str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for element in self.session.find_all(By::Css(selector)).await? {
            texts.push(element.text().await?);
        }
        Ok(texts)
    }

    /// Waits until the elements that a selector finds have these texts, at least at first.
    ///
    /// # Errors
    /// If they do not get them.
    pub async fn until_texts(&self, selector: &str, expected: &[&str]) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            // While a page goes and another comes, an element may be of neither.
            let texts = self.texts(selector).await;
            if texts.as_ref().is_ok_and(|texts| {
                texts.len() >= expected.len() && expected.iter().zip(texts).all(|(a, b)| a == b)
            }) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{selector}: {texts:?}, and not {expected:?}");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn close(self) -> Result<()> {
        Ok(self.session.clone().quit().await?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its driver, which is killed. A session that is dropped as it is
        // blocks the thread for minutes.
        drop(self.session.clone().leak());
    }
}

fn capabilities(look: Look, profile: &str) -> Capabilities {
    let scheme = if look.is_dark { 0 } else { 1 };
    let script = if look.has_script { 1 } else { 2 };
    let capabilities = json!({
        "goog:chromeOptions": {
            "args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--hide-scrollbars",
                // So that it ends with its driver, whatever that ends by.
                "--remote-debugging-pipe",
                "--lang=en",
                format!("--blink-settings=preferredColorScheme={scheme}"),
                format!("--user-data-dir={profile}"),
            ],
            "prefs": { "profile.managed_default_content_settings.javascript": script },
        },
        // Without scripts the driver may wait for ever for a page that has long been there.
        "pageLoadStrategy": if look.has_script { "normal" } else { "none" },
        // A dialog stays open, and whoever looks finds it.
        "unhandledPromptBehavior": "ignore",
    });
    match capabilities {
        Value::Object(capabilities) => capabilities.into(),
        _ => Capabilities::new(),
    }
}
