fn main() {
    for (path, text) in operator_api::manifests() {
        println!("{path}\n{text}");
    }
}
