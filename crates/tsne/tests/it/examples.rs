//! The examples: each asserts what it shows, and is run here.

macro_rules! runs {
    ($($name:ident $path:literal)*) => {$(
        #[path = $path]
        mod $name;

        #[test]
        fn $name() {
            $name::main().expect("the example runs");
        }
    )*};
}

runs! {
    quickstart "../../examples/quickstart.rs"
    explain_plan "../../examples/explain_plan.rs"
    custom_index "../../examples/custom_index.rs"
    custom_affinities "../../examples/custom_affinities.rs"
    custom_repulsion "../../examples/custom_repulsion.rs"
    interrupt_and_resume "../../examples/interrupt_and_resume.rs"
    transform_new_points "../../examples/transform_new_points.rs"
    multiscale "../../examples/multiscale.rs"
    callbacks "../../examples/callbacks.rs"
}
