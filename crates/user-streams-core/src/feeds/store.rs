//! A set of streams by its name.

use std::{fmt::Display, sync::Arc};

use crate::{Error, ErrorKind, Name, Result, UserIdKind, backend::Backend};

/// The main streams, which have no name, or a feed beside them.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) name: Option<Name>,
    pub(crate) backend: Arc<dyn Backend>,
}

impl Store {
    /// The feed of this name.
    pub(super) fn of(main: &dyn Backend, name: &str, user_id: UserIdKind) -> Result<Self> {
        let name: Name = name.parse()?;
        let backend = main.feed(&name, user_id)?;
        Ok(Self { name: Some(name), backend })
    }

    /// The backend itself and not the `Arc`, whose own implementation would box each future again.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.backend, &other.backend)
    }
}

/// The error of a setting.
pub(super) fn invalid(setting: &str, error: impl Display + Into<Error>) -> Error {
    let error = error.into();
    let message = format!("{setting}: {}", error.message());
    Error::new(ErrorKind::InvalidSettings, message).with_source(error)
}
