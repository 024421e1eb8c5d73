/// A float as Go's encoder writes it: plain decimals for magnitudes in `[1e-6, 1e21)` and zero,
/// otherwise an exponent with its sign. `plain` and `scientific` are the shortest texts of the
/// number in the two notations.
pub(super) fn format(value: f64, plain: &str, scientific: &str) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return plain.to_owned();
    }
    match scientific.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => scientific.to_owned(),
    }
}
