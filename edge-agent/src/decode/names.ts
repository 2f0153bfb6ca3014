/** What a decoder needs of the agent's dictionary. Ids are dense and never reused; 0 means that there is no room for another. */
export interface DecoderNames {
  /** Device 0 stands for input that names no usable device. */
  device(site: string, device: string): number
  series(device: number, metric: string): number
  boot(name: string): number
}
