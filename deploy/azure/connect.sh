#!/bin/sh
# Registers a device in the hub of a deployment of main.bicep, and writes what agent and ingest need to open it into
# files that only you can read. Secrets are neither printed nor given as arguments.
#
#   sh deploy/azure/connect.sh --group millrace --device pi-01 [--out secrets] [--deployment main] [--days 180]
set -eu

usage() {
  echo "usage: connect.sh --group GROUP --device NAME [--out DIR] [--deployment NAME] [--days DAYS]" >&2
  exit 2
}

group='' device='' out=secrets deployment=main days=180
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || usage
  case $1 in
    --group) group=$2 ;;
    --device) device=$2 ;;
    --out) out=$2 ;;
    --deployment) deployment=$2 ;;
    --days) days=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[ -n "$group" ] && [ -n "$device" ] || usage
case $device in
  -* | *[!A-Za-z0-9._:-]*) echo "an agent cannot be called $device: A-Z a-z 0-9 . _ : - only" >&2; exit 2 ;;
esac

output() {
  az deployment group show --resource-group "$group" --name "$deployment" \
    --query "properties.outputs.$1.value" --output tsv
}

# A file that exists keeps its mode, so it is replaced.
keep() {
  cat > "$out/.$1.new"
  grep -q '=' "$out/.$1.new" || { rm -f "$out/.$1.new"; echo "nothing came for $1" >&2; exit 1; }
  mv "$out/.$1.new" "$out/$1"
  echo "$out/$1"
}

umask 077
mkdir -p "$out"
hub=$(output hubName)
policy=$(output ingestPolicy)
[ -n "$hub" ] && [ -n "$policy" ] || { echo "deployment $deployment of $group has no hub" >&2; exit 1; }

az iot hub device-identity show --hub-name "$hub" --device-id "$device" --auth-type login --output none 2> /dev/null ||
  az iot hub device-identity create --hub-name "$hub" --device-id "$device" --auth-type login --output none

az iot hub device-identity connection-string show --hub-name "$hub" --device-id "$device" --auth-type login \
  --query connectionString --output tsv | keep "device-$(echo "$device" | sed s/:/%3A/g).connection"
az iot hub connection-string show --hub-name "$hub" --resource-group "$group" --policy-name "$policy" --default-eventhub \
  --query connectionString --output tsv | keep event-hub.connection

container=$(output checkpointContainer)
[ -n "$container" ] || exit 0
account=$(output storageAccount)
ends=$(date -u -d "+$days days" +%Y-%m-%dT%H:%MZ 2> /dev/null || date -u -v "+${days}d" +%Y-%m-%dT%H:%MZ)
endpoint=$(az storage account show --resource-group "$group" --name "$account" --query primaryEndpoints.blob --output tsv)
AZURE_STORAGE_KEY=$(az storage account keys list --resource-group "$group" --account-name "$account" --query '[0].value' --output tsv)
export AZURE_STORAGE_KEY
signature=$(az storage container generate-sas --account-name "$account" --name "$container" --permissions crwl \
  --expiry "$ends" --https-only --output tsv)
echo "BlobEndpoint=$endpoint;SharedAccessSignature=$signature" | keep checkpoints.connection
echo "checkpoints.connection ends on $ends: run this again before"
