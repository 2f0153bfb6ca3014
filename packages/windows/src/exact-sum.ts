/** Sum whose error does not grow with the number of terms (Neumaier 1974: Kahan's compensation, either term the larger). */
export class ExactSum {
  private sum = 0
  private lost = 0

  add(value: number): void {
    const next = this.sum + value
    this.lost += Math.abs(this.sum) >= Math.abs(value) ? this.sum - next + value : value - next + this.sum
    this.sum = next
  }

  get value(): number {
    return this.sum + this.lost
  }
}
