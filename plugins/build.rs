//! The gRPC services of `proto/`, without protoc.

const FILES: [&str; 3] = [
    "nomad_autoscaler/apm.proto",
    "nomad_autoscaler/base.proto",
    "go_plugin.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(FILES, ["proto"])?;
    tonic_prost_build::configure()
        .include_file("protocol.rs")
        .compile_fds(files)?;
    Ok(())
}
