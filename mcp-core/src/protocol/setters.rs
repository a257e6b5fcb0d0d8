//! One shape for all setters of optional members.

/// Writes a consuming setter for each named `Option` field.
macro_rules! setters {
    ($name:ident { $($(#[$doc:meta])* $field:ident: $value:ty,)* }) => {
        impl $name {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $field(mut self, $field: impl Into<$value>) -> Self {
                    self.$field = Some($field.into());
                    self
                }
            )*
        }
    };
}

pub(super) use setters;
