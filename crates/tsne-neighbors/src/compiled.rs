//! Functions that are compiled in this crate, for both types of data, and not again in every crate that calls them.

/// Defines a function of any [`Scalar`](tsne_core::Scalar) `T` whose body is compiled here: what another crate compiles is
/// a call of its form for `f32` or `f64`.
macro_rules! compiled_here {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident<$($life:lifetime),*; $t:ident>(
            $($argument:ident: $type:ty),* $(,)?
        ) -> $output:ty $body:block
    )+) => {$(
        $(#[$attribute])*
        $visibility fn $name<$($life,)* $t: tsne_core::Scalar>($($argument: $type),*) -> $output {
            fn any<$($life,)* $t: tsne_core::Scalar>($($argument: $type),*) -> $output $body

            struct Call<$($life),*>(std::marker::PhantomData<($(&$life (),)*)>);
            impl<$($life),*> tsne_core::ByScalar for Call<$($life),*> {
                type Input<$t: tsne_core::Scalar> = ($($type,)*);
                type Output<$t: tsne_core::Scalar> = $output;
                fn f32(($($argument,)*): Self::Input<f32>) -> Self::Output<f32> {
                    any::<f32>($($argument),*)
                }
                fn f64(($($argument,)*): Self::Input<f64>) -> Self::Output<f64> {
                    any::<f64>($($argument),*)
                }
            }
            $t::call::<Call<$($life),*>>(($($argument,)*))
        }
    )+};
}
pub(crate) use compiled_here;
