/** Where the cluster's administrator finds the API on a master. */
export const adminConfig = '/etc/kubernetes/admin.conf'

/** Folder for what lives no longer than a run; gone after a reboot. */
export const runFolder = '/run/sealer'

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** PATH with the image's programs first: sudo and units have paths of their own, and kubeadm looks for kubelet. */
export const pathWith = (bin: string) => ({ PATH: `${bin}:${usualPath}` })

/** What kubectl and helm need on a master. Their caches stay out of the administrator's home. */
export const adminEnv: Readonly<Record<string, string>> = {
  KUBECONFIG: adminConfig,
  KUBECACHEDIR: `${runFolder}/kubectl`,
  HELM_CACHE_HOME: `${runFolder}/helm/cache`,
  HELM_CONFIG_HOME: `${runFolder}/helm/config`,
  HELM_DATA_HOME: `${runFolder}/helm/data`,
  PATH: usualPath,
}
