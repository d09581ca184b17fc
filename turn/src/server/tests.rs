//! Tests of the server that look inside.
