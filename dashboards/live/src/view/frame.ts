const budgetMs = 6

/**
 * All changes of the document go through here: each task at most once per frame, and no more per frame than fits
 * the budget; what is left waits for the next frame, in order.
 */
export class FrameQueue {
  private readonly tasks = new Set<() => void>()
  private requested = false

  add(task: () => void): void {
    this.tasks.add(task)
    this.request()
  }

  private request(): void {
    if (this.requested) return
    this.requested = true
    requestAnimationFrame((startMs) => this.run(startMs))
  }

  private run(startMs: number): void {
    this.requested = false
    const end = Math.max(startMs, performance.now()) + budgetMs
    for (const task of this.tasks) {
      this.tasks.delete(task)
      task()
      if (performance.now() > end) break
    }
    if (this.tasks.size > 0) this.request()
  }
}
