/** A type as JSON has it: the values of enums instead of their members. */
export type Plain<T> = T extends string
  ? `${T}`
  : T extends number
    ? number extends T
      ? number
      : `${T}` extends `${infer Value extends number}`
        ? Value
        : never
    : T extends readonly (infer Item)[]
      ? Plain<Item>[]
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T

/** The same with some keys no longer required. */
export type Loose<T, Keys extends keyof T> = Omit<T, Keys> & Partial<Pick<T, Keys>>

/** A panel of one kind, with the options and the fields' settings of that kind. */
export type PanelOf<Panel extends { fieldConfig?: unknown }, Type extends string, Options, Custom> = Omit<
  Panel,
  'type' | 'options' | 'fieldConfig'
> & {
  type: Type
  options: Plain<Options>
  fieldConfig: Omit<NonNullable<Panel['fieldConfig']>, 'defaults'> & {
    defaults: Omit<
      NonNullable<Panel['fieldConfig']> extends { defaults: infer Defaults } ? Defaults : never,
      'custom'
    > & {
      custom?: Partial<Plain<Custom>>
    }
  }
}
