//! The scopes that a walk made last, so that values which are computed one after the other share one.

use std::sync::Mutex;

use super::cell::{Ask, lock};
use crate::template::Scope;

/// The scopes that were made last: most values are computed one after the other for one component, or one answer.
#[derive(Debug, Default)]
pub(super) struct Recent {
    of_component: Mutex<Option<(String, Scope)>>,
    of_answer: Mutex<Option<(Ask, Scope)>>,
}

impl Recent {
    /// The scope of a component's own expressions.
    pub(super) fn scope_of(&self, component: &str, make: impl FnOnce() -> Scope) -> Scope {
        let mut last = lock(&self.of_component);
        match last.as_ref() {
            Some((known, scope)) if known == component => scope.fork(),
            _ => {
                let scope = make();
                *last = Some((component.to_owned(), scope.fork()));
                scope
            }
        }
    }

    /// The scope in which an entry is answered.
    pub(super) fn scope_of_answer(&self, ask: &Ask, make: impl FnOnce() -> Scope) -> Scope {
        let mut last = lock(&self.of_answer);
        match last.as_ref() {
            Some((known, scope)) if known == ask => scope.fork(),
            _ => {
                let scope = make();
                *last = Some((ask.clone(), scope.fork()));
                scope
            }
        }
    }

    /// Forgets the scopes, which hold on to the walk that they were made on.
    pub(super) fn forget(&self) {
        *lock(&self.of_component) = None;
        *lock(&self.of_answer) = None;
    }
}
