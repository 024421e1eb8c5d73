/// Commands that Kubo has removed: each answers what is to be used instead, whatever it is asked.
macro_rules! removed {
    ($tagline:literal, $error:literal: $($name:ident = $path:literal),+ $(,)?) => {$(
        #[doc = concat!("`ipfs ", $path, "`, which is no more.")]
        pub(crate) struct $name;

        #[async_trait::async_trait]
        impl $crate::Command for $name {
            type Options = $crate::options::NoOptions;
            type Event = ();
            type State = ();

            const PATH: &'static str = $path;
            const ABOUT: $crate::About = $crate::About::new($tagline)
                .status($crate::Status::Removed)
                .no_text();

            async fn run(
                _: $crate::Call<$crate::options::NoOptions>,
                _: $crate::Output<()>,
            ) -> $crate::Result<()> {
                Err($crate::Error::new($error))
            }
        }
    )+};
}
pub(crate) use removed;
