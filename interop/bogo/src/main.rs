//! The shim of BoringSSL's protocol tests: its runner plays a TLS stack that errs on purpose, starts this program once
//! per test with flags that say what to be, and watches what it does.
//!
//! A flag that means something we do not do ends the program with 89, which the runner counts as "unimplemented"; a
//! failed connection says why on standard error and ends it with 1.

mod exchange;
mod flags;
mod link;

use std::process::ExitCode;

/// What the runner takes for "this test is not for me".
const UNIMPLEMENTED: u8 = 89;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|flag| flag == "-is-handshaker-supported")
    {
        println!("No");
        return ExitCode::SUCCESS;
    }
    let flags = match flags::Flags::parse(&arguments) {
        Ok(flags) => flags,
        Err(flag) => {
            eprintln!("not for us: {flag}");
            return ExitCode::from(UNIMPLEMENTED);
        }
    };
    match exchange::run(&flags.0, &flags.1) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exchange::Failed::NotForUs(what)) => {
            eprintln!("not for us: {what}");
            ExitCode::from(UNIMPLEMENTED)
        }
        Err(exchange::Failed::Connection(why)) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
