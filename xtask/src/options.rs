//! What follows a command: words, `--flag`s, and `--name value` pairs.

use anyhow::{Context as _, Result, bail};

/// The arguments of a command, sorted.
#[derive(Debug, Default)]
pub(crate) struct Options<'a> {
    /// What has no dashes, in order.
    pub(crate) words: Vec<&'a str>,
    flags: Vec<&'a str>,
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Options<'a> {
    /// Sorts `args`; a name that is in neither list is an error.
    pub(crate) fn parse(args: &[&'a str], flags: &[&str], pairs: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter().copied();
        while let Some(word) = args.next() {
            match word {
                _ if flags.contains(&word) => options.flags.push(word),
                _ if pairs.contains(&word) => {
                    let value = args.next().with_context(|| format!("{word} needs a value"))?;
                    options.pairs.push((word, value));
                }
                _ if word.starts_with('-') => {
                    bail!("unknown argument {word}; there are {}", [flags, pairs].concat().join(", "))
                }
                _ => options.words.push(word),
            }
        }
        Ok(options)
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        self.pairs.iter().rev().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    /// The number of a pair, or `default`.
    pub(crate) fn number(&self, name: &str, default: usize) -> Result<usize> {
        self.value(name).map_or(Ok(default), |text| {
            let number = text.parse().ok().filter(|&number| number > 0);
            number.with_context(|| format!("{name} {text}: expected a number above 0"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_flags_and_pairs_are_told_apart() {
        let args = ["fit", "--quick", "--rounds", "3"];
        let options = Options::parse(&args, &["--quick"], &["--rounds", "--save"]).expect("all known");
        assert_eq!(options.words, ["fit"], "one word");
        assert!(options.has("--quick"), "one flag");
        assert_eq!(options.number("--rounds", 5).expect("a number"), 3, "given");
        assert_eq!(options.value("--save"), None, "not given");
    }

    #[test]
    fn mistakes_are_named() {
        for (args, word) in
            [(&["--fast"][..], "--fast"), (&["--rounds"], "needs a value"), (&["--rounds", "0"], "above 0")]
        {
            let error = Options::parse(args, &[], &["--rounds"]).and_then(|o| o.number("--rounds", 1));
            assert!(error.expect_err("a mistake").to_string().contains(word), "{args:?}");
        }
    }
}
