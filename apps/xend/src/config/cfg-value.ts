/** A value of a config file: Python's literals without fractions. A tuple is a list. */
export type CfgValue = string | number | boolean | null | readonly CfgValue[] | CfgDict
export type CfgDict = ReadonlyMap<string | number, CfgValue>
