# The commands of docs/guides/signing.md, run by e2e/signing.e2e.ts in a folder with a Kubefile. REGISTRY and KEY_PASSWORD are set.
set -eu

sealer build -t "$REGISTRY/team/hello:v1" .

# #region keys
sealer keys generate release --password-from env:KEY_PASSWORD
# #endregion

# #region sign
sealer sign "$REGISTRY/team/hello:v1" --key release.key --password-from env:KEY_PASSWORD
sealer push "$REGISTRY/team/hello:v1"
# #endregion

# #region sbom
sealer sbom "$REGISTRY/team/hello:v1"
sealer sbom "$REGISTRY/team/hello:v1" -o hello.cdx.json
sealer sbom "$REGISTRY/team/hello:v1" --attach
# #endregion

# #region archive
sealer save "$REGISTRY/team/hello:v1" -o hello.tar
# #endregion

export SEALER_HOME="$OTHER_HOME" # another machine

# #region trust
sealer trust add release.pub --for "$REGISTRY/team/**"
sealer pull "$REGISTRY/team/hello:v1"
sealer verify "$REGISTRY/team/hello:v1"
# #endregion

# #region verify-by-key
sealer verify "$REGISTRY/team/hello:v1" --key release.pub --output json
# #endregion


sealer rmi "$REGISTRY/team/hello:v1"

# #region load
sealer load hello.tar
# #endregion
