//! What all items of a catalogue say of themselves in the same way.

/// The setters of everything that is listed.
macro_rules! described {
    ($item:ident) => {
        impl $item {
            /// Gives it a name for people.
            pub fn title(mut self, title: impl Into<String>) -> Self {
                self.item.title = Some(title.into());
                self
            }

            /// Tells the model what it is for.
            pub fn description(mut self, description: impl Into<String>) -> Self {
                self.item.description = Some(description.into());
                self
            }

            /// Adds a picture.
            pub fn icon(mut self, icon: Icon) -> Self {
                self.item.icons.push(icon);
                self
            }

            /// Attaches `_meta`.
            pub fn meta(mut self, meta: impl Into<Meta>) -> Self {
                self.item.meta = Some(meta.into());
                self
            }
        }
    };
}

/// The further setters of everything that is read, and what reads it.
macro_rules! readable {
    ($item:ident => $route:ident) => {
        impl $item {
            /// Names the media type; contents that name another keep theirs.
            pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
                self.item.mime_type = Some(mime_type.into());
                self
            }

            /// Says what a client may make of it.
            pub fn annotations(mut self, annotations: Annotations) -> Self {
                self.item.annotations = Some(annotations);
                self
            }

            /// Says how long its content stays fresh, and for whom (2026-07-28).
            pub fn cache(mut self, hint: CacheHint) -> Self {
                self.cache = Some(hint);
                self
            }

            /// Says what reads it.
            pub fn handler<S, A, H>(self, handler: H) -> $route<S>
            where
                A: 'static,
                S: 'static,
                H: Handler<A, S>,
                H::Output: IntoResourceResult,
            {
                let answer = ResourceAnswer {
                    mime_type: self.item.mime_type.as_deref().map(Into::into),
                    cache: self.cache,
                };
                let mut route = Route::new(self.item, endpoint(handler, answer), None);
                route.cache = self.cache;
                $route(route)
            }
        }
    };
}

pub(super) use {described, readable};
