//! One list of the catalogue: its routes by name, and its pages as they are sent.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;

use super::{
    BuildError, Digest, McpRequest, McpResponse, McpService, RouterFuture, cursor, item::Item,
};
use crate::{
    handler::{Context, Route},
    jsonrpc::ErrorObject,
    protocol::Revision,
};

/// The routes of one kind, sorted by name.
pub(super) struct Listing<I> {
    routes: Vec<Mounted<I>>,
    by_key: HashMap<String, usize>,
    written: PerRevision<Vec<Bytes>>,
    /// Whole pages; none when callers may see different ones.
    pages: PerRevision<Vec<Bytes>>,
    page_size: usize,
    filtered: bool,
    digest: Digest,
}

/// A route with its layers applied.
pub(super) struct Mounted<I> {
    pub(super) route: Route<I, ()>,
    service: Option<McpService>,
}

impl<I: Item> Mounted<I> {
    fn new(route: Route<I, ()>) -> Self {
        let service = route.layers.split_first().map(|(innermost, others)| {
            let (endpoint, limit) = (Arc::clone(&route.endpoint), route.limit);
            let handler = McpService::new(move |request| endpoint.call(request, &(), limit));
            let wrapped = innermost.wrap(handler);
            others
                .iter()
                .fold(wrapped, |inner, layer| layer.wrap(inner))
        });
        Self { route, service }
    }

    /// Calls the handler, through the layers of its own, if the caller may.
    pub(super) fn call(&self, request: McpRequest) -> RouterFuture {
        if let Err(refused) = request.context().require_scopes(&self.route.scopes) {
            return McpResponse::error(request.id(), refused.into()).into();
        }
        match &self.service {
            Some(service) => service.answer(request),
            None => self.route.endpoint.call(request, &(), self.route.limit),
        }
    }
}

impl<I: Item> Listing<I> {
    pub(super) fn build(
        mut routes: Vec<Route<I, ()>>,
        page_size: usize,
    ) -> Result<Self, BuildError> {
        routes.sort_by(|one, other| one.item.key().cmp(other.item.key()));
        let mut by_key = HashMap::with_capacity(routes.len());
        for (index, route) in routes.iter().enumerate() {
            let key = route.item.key();
            if by_key.insert(key.to_owned(), index).is_some() {
                return Err(I::duplicate(key.to_owned()));
            }
        }
        let written = PerRevision::try_new(|revision| written(&routes, revision))?;
        let newest = written.0.last().map_or(&[][..], Vec::as_slice);
        let mut listing = Self {
            digest: Digest::of(newest),
            by_key,
            pages: PerRevision(Vec::new()),
            page_size: match page_size {
                0 => usize::MAX,
                size => size,
            },
            filtered: routes.iter().any(|route| !route.visible.is_empty()),
            routes: routes.into_iter().map(Mounted::new).collect(),
            written,
        };
        if !listing.filtered {
            listing.pages = PerRevision::try_new(|revision| Ok(listing.all_pages(revision)))?;
        }
        Ok(listing)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &I> {
        self.routes.iter().map(|mounted| &mounted.route.item)
    }

    /// Whether an argument of any item can be completed.
    pub(super) fn completes(&self) -> bool {
        let mut routes = self.routes.iter();
        routes.any(|mounted| !mounted.route.completers.is_empty())
    }

    /// The route under this key, whoever asks.
    pub(super) fn find(&self, key: &str) -> Option<&Mounted<I>> {
        self.routes.get(*self.by_key.get(key)?)
    }

    /// The route under this key, if the caller may see it.
    pub(super) fn get(&self, key: &str, context: &Context) -> Option<&Mounted<I>> {
        let found = self.routes.get(*self.by_key.get(key)?)?;
        found.route.is_visible(context).then_some(found)
    }

    /// One page, as the JSON of the result.
    ///
    /// A cursor means the items behind a name, so it goes on in a list that has changed since.
    pub(super) fn page(&self, request: &McpRequest) -> Result<Bytes, ErrorObject> {
        let start = match request.cursor() {
            None => 0,
            Some(text) => {
                let (after, _) = cursor::decode(text)?;
                self.routes
                    .partition_point(|mounted| mounted.route.item.key() <= after.as_str())
            }
        };
        let revision = request.revision();
        if !self.filtered && start.is_multiple_of(self.page_size) {
            let pages = self.pages.get(revision);
            if let Some(page) = pages.and_then(|pages| pages.get(start / self.page_size)) {
                return Ok(page.clone());
            }
        }
        let shown = |index: &usize| {
            let mounted = self.routes.get(*index);
            mounted.is_some_and(|mounted| mounted.route.is_visible(request.context()))
        };
        Ok(self.write(revision, (start..self.routes.len()).filter(shown)))
    }

    fn all_pages(&self, revision: Revision) -> Vec<Bytes> {
        let count = self.routes.len();
        let starts = (0..count.max(1)).step_by(self.page_size);
        starts
            .map(|start| self.write(revision, start..count))
            .collect()
    }

    /// Writes a page of the first of these items, with a cursor when they are too many for one.
    fn write(&self, revision: Revision, items: impl Iterator<Item = usize>) -> Bytes {
        let mut page = format!("{{\"{}\":[", I::MEMBER).into_bytes();
        let written = self.written.get(revision).map_or(&[][..], Vec::as_slice);
        let mut last = None;
        let mut items = items.peekable();
        for index in items.by_ref().take(self.page_size) {
            if last.is_some() {
                page.push(b',');
            }
            page.extend_from_slice(written.get(index).map_or(&[], Bytes::as_ref));
            last = self.routes.get(index);
        }
        page.push(b']');
        if let (Some(last), Some(_)) = (last, items.peek()) {
            let next = cursor::encode(last.route.item.key(), self.digest);
            page.extend_from_slice(format!(",\"nextCursor\":\"{next}\"").as_bytes());
        }
        page.push(b'}');
        page.into()
    }
}

/// The items as a revision writes them.
fn written<I: Item>(routes: &[Route<I, ()>], revision: Revision) -> Result<Vec<Bytes>, BuildError> {
    let items = routes.iter().map(|route| {
        let item = route.item.clone().for_revision(revision);
        match serde_json::to_vec(&item) {
            Ok(json) => Ok(json.into()),
            Err(error) => Err(BuildError::Unwritable {
                item: item.key().to_owned(),
                why: error.to_string(),
            }),
        }
    });
    items.collect()
}

/// A value for every revision; what is equal to the one before is shared with it.
struct PerRevision<T>(Vec<T>);

impl<T: Clone + PartialEq> PerRevision<T> {
    fn try_new(value: impl Fn(Revision) -> Result<T, BuildError>) -> Result<Self, BuildError> {
        let mut values: Vec<T> = Vec::with_capacity(Revision::ALL.len());
        for revision in Revision::ALL {
            let value = value(revision)?;
            match values.last() {
                Some(last) if *last == value => values.push(last.clone()),
                _ => values.push(value),
            }
        }
        Ok(Self(values))
    }

    fn get(&self, revision: Revision) -> Option<&T> {
        self.0.get(revision.index())
    }
}
