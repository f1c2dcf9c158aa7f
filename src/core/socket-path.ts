import { join } from 'node:path'

/** Where the admin socket is when no setting says otherwise: in the user's runtime directory, else one of our own in /tmp. */
export function defaultSocketPath (runtimeDir: string | undefined, uid: number): string {
  return runtimeDir === undefined || runtimeDir === ''
    ? `/tmp/svc-dht-${uid}/admin.sock`
    : join(runtimeDir, 'svc-dht', 'admin.sock')
}
