//! Selection by name on the command line.

use anyhow::{Result, bail};

/// The items with these names, in their own order; every item if there are no names. `noun` says
/// in the error what an item is.
pub fn select<T>(
    noun: &str,
    items: Vec<T>,
    names: &[String],
    name: impl Fn(&T) -> &'static str,
) -> Result<Vec<T>> {
    if names.is_empty() {
        return Ok(items);
    }
    let known: Vec<_> = items.iter().map(&name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("unknown {noun} `{unknown}`; the {noun}s are: {}", known.join(", "));
    }
    let is_named = |item: &T| names.iter().any(|wanted| wanted == name(item));
    Ok(items.into_iter().filter(is_named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(names: &[&str]) -> Result<Vec<&'static str>> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        select("letter", vec!["a", "b", "c"], &names, |letter| letter)
    }

    #[test]
    fn names_select_in_the_order_of_the_items() -> Result<()> {
        assert_eq!(letters(&["c", "a", "c"])?, ["a", "c"]);
        assert_eq!(letters(&[])?, ["a", "b", "c"]);
        Ok(())
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = letters(&["d"]).expect_err("unknown").to_string();
        assert_eq!(error, "unknown letter `d`; the letters are: a, b, c");
    }
}
