export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
rm -rf /etc/systemd/system/bootwright-first-boot.service /var/lib/systemd/timers
echo 'bootwright-step: remove what configured'
for package in puppet-agent ansible-core python3-apt; do
  grep -qx "$package" /bootwright-build/packages-before || echo "$package"
done > /bootwright-build/packages-to-purge
xargs -r apt-get purge -qy --auto-remove -o APT::AutoRemove::RecommendsImportant=false < /bootwright-build/packages-to-purge
dpkg-query -W -f '${Package}\n' | grep -Fx -f /bootwright-build/auto-before | xargs -r apt-mark auto >/dev/null
if grep -qx puppet-agent /bootwright-build/packages-to-purge; then
  rm -rf /etc/puppet /var/lib/puppet /var/cache/puppet /var/log/puppet
  if getent passwd puppet >/dev/null; then userdel puppet; fi
fi
if grep -qx ansible-core /bootwright-build/packages-to-purge; then
  rm -rf /root/.ansible
fi
if command -v dpkg-query >/dev/null; then dpkg-query -W -f 'bootwright-package: ${binary:Package} ${Version}\n'; fi
