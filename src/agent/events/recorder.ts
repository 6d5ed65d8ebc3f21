export * from '../../api/event-recorder.ts'
