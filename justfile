# For humans. Each recipe is one or a few plain cargo commands, so nothing needs just.

# What to run before a commit
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo test --test house
    cargo test --lib

# All tests
test:
    cargo test

# The built binary against real targets on this machine
e2e:
    cargo test --test target --test wire --test cli

# The search against models of services, in virtual time
sim:
    cargo test --test simulation --test method

# The documentation of the code
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

# The hot paths
bench:
    cargo bench --benches

# All that CI checks
ci:
    bash .ci/run
