import t from 'tap'
import { createFakeImages } from '../../../../src/agent/runtime/fake-images.ts'
import { imagesContract } from '../../../support/images-contract.ts'

t.test('the fake keeps the contract', async (t) => {
  imagesContract(t, async () => {
    const images = createFakeImages()
    const serve = (reference: string, command: string): void => images.serve(reference, { cmd: [command] })
    return { images, serve, registry: 'registry.example' }
  })
})
