//! Something that listeners may have to be told.

use std::{
    cmp::Ordering,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use serde::Serialize;

use crate::{handler::notification, protocol::Method};

/// Something a session may have to be told. Twice the same is once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Notice {
    Tools,
    Prompts,
    Resources,
    Updated(Update),
}

impl Notice {
    /// What somebody subscribes to: nothing is written until it is told.
    pub(crate) fn updated(uri: String) -> Self {
        let (uri, message) = (uri.into_boxed_str(), None);
        Self::Updated(Update(Arc::new(Word { uri, message })))
    }

    /// What many are told: written once, here.
    pub(crate) fn told(uri: String) -> Self {
        let (message, uri) = (written(&uri), uri.into_boxed_str());
        Self::Updated(Update(Arc::new(Word { uri, message })))
    }

    /// The method of the notification.
    pub(crate) const fn method(&self) -> Method {
        match self {
            Self::Tools => Method::ToolListChanged,
            Self::Prompts => Method::PromptListChanged,
            Self::Resources => Method::ResourceListChanged,
            Self::Updated(_) => Method::ResourceUpdated,
        }
    }

    /// The notification as JSON. However many listeners there are, these are the same bytes.
    pub(crate) fn message(&self) -> Option<Bytes> {
        static LISTS: [OnceLock<Option<Bytes>>; 3] = [const { OnceLock::new() }; 3];
        let place = match self {
            Self::Tools => 0,
            Self::Prompts => 1,
            Self::Resources => 2,
            Self::Updated(update) => return update.message(),
        };
        let message = LISTS[place].get_or_init(|| notification(&self.method(), &Nothing {}));
        message.clone()
    }
}

/// A resource that has new content. Clones share what has been written of it.
#[derive(Clone, Debug)]
pub(crate) struct Update(Arc<Word>);

#[derive(Debug)]
struct Word {
    uri: Box<str>,
    message: Option<Bytes>,
}

impl Update {
    pub(crate) fn uri(&self) -> &str {
        &self.0.uri
    }

    fn message(&self) -> Option<Bytes> {
        let message = self.0.message.clone();
        message.or_else(|| written(self.uri()))
    }
}

fn written(uri: &str) -> Option<Bytes> {
    notification(&Method::ResourceUpdated, &Uri { uri })
}

impl PartialEq for Update {
    fn eq(&self, other: &Self) -> bool {
        self.uri() == other.uri()
    }
}

impl Eq for Update {}

impl PartialOrd for Update {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Update {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uri().cmp(other.uri())
    }
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Uri<'a> {
    uri: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_say_it_with_the_same_bytes() {
        let notices = [
            Notice::Tools,
            Notice::Prompts,
            Notice::Resources,
            Notice::told("mem://a".to_owned()),
        ];
        for notice in notices {
            let (one, other) = (notice.message().unwrap(), notice.clone().message().unwrap());
            assert_eq!(one.as_ptr(), other.as_ptr(), "{notice:?}");
        }
    }

    #[test]
    fn an_update_names_its_resource() {
        let message = Notice::updated("mem://a".to_owned()).message().unwrap();
        let expected = br#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"mem://a"}}"#;
        assert_eq!(message, &expected[..]);
    }
}
