//! The `Authorization` header that a secret of Kubo's configuration stands for.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Turns `basic:user:password`, `basic:<base64>`, `bearer:<token>` or a bare token (as in
/// `--api-auth` and `API.Authorizations.*.AuthSecret`) into a header value. Empty when the secret
/// is empty or of another type.
pub fn authorization(secret: &str) -> String {
    match secret.split_once(':') {
        None if secret.is_empty() => String::new(),
        None => format!("Bearer {secret}"),
        Some(("basic", rest)) if rest.contains(':') => format!("Basic {}", base64(rest.as_bytes())),
        Some(("basic", encoded)) => format!("Basic {encoded}"),
        Some(("bearer", token)) => format!("Bearer {token}"),
        Some(_) => String::new(),
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut word = [0; 3];
        word[..group.len()].copy_from_slice(group);
        let word = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for at in 0..4 {
            let symbol = ALPHABET[(word >> (18 - 6 * at)) as usize & 63] as char;
            out.push(if at <= group.len() { symbol } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        assert_eq!(
            authorization("basic:Aladdin:open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(authorization("basic:QWxh"), "Basic QWxh");
        assert_eq!(authorization("bearer:a:b"), "Bearer a:b");
        assert_eq!(authorization("token"), "Bearer token");
        assert_eq!(authorization("digest:x"), "");
        assert_eq!(authorization(""), "");
    }

    #[test]
    fn padding() {
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }
}
