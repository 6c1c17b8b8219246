//! Arguments of the lab: `--name value` pairs, every one of them known.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

/// The pairs given; each getter takes its pair out, so that what is left at the end was never known.
#[derive(Debug)]
pub struct Args(BTreeMap<String, String>);

impl Args {
    /// Reads `--name value --name value`.
    ///
    /// # Errors
    /// When a name lacks its dashes or its value, or comes twice.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut pairs = BTreeMap::new();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else { bail!("expected --NAME, got {word}") };
            let Some(value) = words.next() else { bail!("{word} needs a value") };
            if pairs.insert(name.to_owned(), value).is_some() {
                bail!("{word} is given twice");
            }
        }
        Ok(Self(pairs))
    }

    /// The value of `--name`, if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be read as a `V`.
    pub fn optional<V: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<V>> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(value) => Ok(Some(value)),
                Err(error) => bail!("--{name} {text}: {error}"),
            },
        }
    }

    /// The value of `--name`.
    ///
    /// # Errors
    /// When it is missing or cannot be read as a `V`.
    pub fn required<V: FromStr<Err: Display>>(&mut self, name: &str) -> Result<V> {
        self.optional(name)?.with_context(|| format!("--{name} is missing"))
    }

    /// The path given by `--name`.
    ///
    /// # Errors
    /// When it is missing.
    pub fn path(&mut self, name: &str) -> Result<PathBuf> {
        self.required::<String>(name).map(PathBuf::from)
    }

    /// The numbers of a list such as `30,100`, if it is there.
    ///
    /// # Errors
    /// When one of them is not a number.
    pub fn numbers(&mut self, name: &str) -> Result<Option<Vec<f64>>> {
        let Some(text) = self.0.remove(name) else { return Ok(None) };
        let parse =
            |part: &str| part.trim().parse().with_context(|| format!("--{name}: {part} is not a number"));
        text.split(',').map(parse).collect::<Result<_>>().map(Some)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// When a pair was not asked for.
    pub fn finish(self) -> Result<()> {
        match self.0.keys().next() {
            Some(name) => bail!("--{name} is not an argument of this workload"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Result<Args> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn pairs_are_taken_out() {
        let mut args = args("--theta 0.5 --out forces.npy --perplexity 30,100").expect("three pairs");
        assert_eq!(args.required::<f64>("theta").expect("a number"), 0.5, "read as asked");
        assert_eq!(args.optional::<usize>("repeat").expect("absent"), None, "absent is none");
        assert_eq!(args.numbers("perplexity").expect("a list"), Some(vec![30.0, 100.0]), "a list");
        let error = args.finish().expect_err("out was not asked for").to_string();
        assert!(error.contains("--out"), "{error}");
    }

    #[test]
    fn mistakes_are_named() {
        for (line, word) in [("theta 1", "theta"), ("--theta", "needs a value"), ("--a 1 --a 2", "twice")] {
            let error = args(line).expect_err(line).to_string();
            assert!(error.contains(word), "{line}: {error}");
        }
        let error = args("--theta half").expect("a pair").required::<f64>("theta").expect_err("no number");
        assert!(error.to_string().contains("--theta half"), "{error}");
        let error = args("").expect("nothing").required::<f64>("theta").expect_err("nothing there");
        assert!(error.to_string().contains("--theta is missing"), "{error}");
    }
}
