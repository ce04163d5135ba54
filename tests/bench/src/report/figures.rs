//! Numbers as text.

/// Three significant digits.
pub(crate) fn figure(value: f64) -> String {
    let digits = match value.abs() {
        1_000.0.. => {
            let whole = format!("{value:.0}");
            let mut shown = String::new();
            for (at, digit) in whole.chars().enumerate() {
                if at > 0 && (whole.len() - at) % 3 == 0 && !shown.ends_with('-') {
                    shown.push(',');
                }
                shown.push(digit);
            }
            return shown;
        }
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// `10k`, `1M`.
pub(crate) fn thousands(number: i64) -> String {
    if number % 1_000_000 == 0 {
        format!("{}M", number / 1_000_000)
    } else {
        format!("{}k", number / 1_000)
    }
}
