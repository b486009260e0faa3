//! Asks a person what a command was not told, or takes defaults where there is nobody to ask.

use super::Exit;
use super::output::misused;
use crate::world::{Failure, console};

/// What is asked for.
pub(super) struct Question<'a> {
    /// The flag that answers it.
    pub flag: &'a str,
    /// What a person is asked.
    pub text: &'a str,
    /// The answer where nothing else is said.
    pub default: Option<&'a str>,
}

/// Judges an answer, with a phrase where it will not do.
type Check = fn(&str) -> Result<(), String>;

/// The answers so far, as far as they are wrong.
pub(super) struct Questions {
    asks: bool,
    missing: Vec<String>,
    wrong: Vec<String>,
}

impl Questions {
    /// `asks` says whether there is a person.
    pub(super) fn new(asks: bool) -> Self {
        Questions {
            asks,
            missing: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Whether there is a person to ask.
    pub(super) fn asks(&self) -> bool {
        self.asks
    }

    /// Notes that nobody said what a flag would.
    pub(super) fn lacks(&mut self, flag: &str) {
        self.missing.push(format!("--{flag}"));
    }

    /// A value that must be: given, typed, or the default. Without any it is noted as missing, and empty.
    pub(super) fn required(
        &mut self,
        question: &Question<'_>,
        given: Option<&str>,
        check: Check,
    ) -> Result<String, Failure> {
        let answer = self.answer(question, given, check, false)?;
        if answer.is_none() {
            self.lacks(question.flag);
        }
        Ok(answer.unwrap_or_default())
    }

    /// A value that may be left out.
    pub(super) fn optional(
        &mut self,
        question: &Question<'_>,
        given: Option<&str>,
        check: Check,
    ) -> Result<Option<String>, Failure> {
        self.answer(question, given, check, true)
    }

    fn answer(
        &mut self,
        question: &Question<'_>,
        given: Option<&str>,
        check: Check,
        may_be_nothing: bool,
    ) -> Result<Option<String>, Failure> {
        if let Some(given) = given {
            if let Err(why) = check(given) {
                let flag = question.flag;
                let wrong = format!("`--{flag}` cannot be `{given}`: {why}");
                self.wrong.push(wrong);
            }
            return Ok(Some(given.to_owned()));
        }
        let default = question.default.map(str::to_owned);
        if !self.asks {
            return Ok(default);
        }
        let shown = question
            .default
            .map_or_else(String::new, |default| format!(" [{default}]"));
        let prompt = format!("{}{shown}: ", question.text);
        loop {
            let Some(typed) = console::ask(&prompt)? else {
                return Ok(default);
            };
            if typed.is_empty() && (default.is_some() || may_be_nothing) {
                return Ok(default);
            }
            match check(&typed) {
                Ok(()) => return Ok(Some(typed)),
                Err(why) => console::talk(&format!("{why}\n")),
            }
        }
    }

    /// Says everything that is wrong with the answers; none where nothing is.
    pub(super) fn refusal(&self, example: &str) -> Option<Exit> {
        for wrong in &self.wrong {
            misused(wrong, None);
        }
        if !self.missing.is_empty() {
            let message = format!("a lab also needs {}", self.missing.join(", "));
            misused(&message, Some(example));
        }
        let fine = self.wrong.is_empty() && self.missing.is_empty();
        (!fine).then_some(Exit::Usage)
    }
}
