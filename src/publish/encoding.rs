//! Percent-encoding (RFC 3986, section 2.1).

/// The text with all but letters, digits and the bytes of `plain` encoded.
pub(super) fn percent_encoded(text: &str, plain: &[u8]) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
