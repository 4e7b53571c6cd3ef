// What the bundler knows and the compiler does not.
declare module "*.css";
declare module "*.css?text" {
  const text: string;
  export default text;
}
